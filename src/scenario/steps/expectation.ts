import { ERRNO_NAMES, type Errno } from '../../units/errno.ts';
import type { Report } from '../place.ts';
import { hint } from '../suggest.ts';
import type { Word } from './split-line.ts';

/** A line's words without `= 0` or `= -ERRNO` at its end, and what that states. */
interface Expectation {
  words: Word[];
  expect: Errno | 0 | null;
}

/** Takes the expectation off the end of a line. */
export function takeExpectation(
  words: readonly Word[],
  place: (word: Word) => Parameters<Report>[0],
  report: Report,
): Expectation {
  const beforeLast = words.length - 2;
  const at = words[beforeLast]?.text === '=' ? beforeLast : beforeLast + 1;
  if (!words[at]?.text.startsWith('=')) return { words: [...words], expect: null };
  const rest = words.slice(0, at);
  const stated = words
    .slice(at)
    .map((word) => word.text)
    .join(' ');
  const wrong = (message: string): Expectation => {
    report(place(words.at(-1)!), 'step', message);
    return { words: rest, expect: null };
  };
  if (stated === '= 0') return { words: rest, expect: 0 };
  const match = /^= -([A-Z0-9]+)$/.exec(stated);
  if (!match)
    return wrong(`"${stated}" states no result: a line ends in "= 0" or in "= -ERRNO", as in "= -EINVAL"`);
  const errno = ERRNO_NAMES.find((name) => name === match[1]);
  if (errno === undefined)
    return wrong(`"${match[1]}" is no errno of the modelled calls: ${hint(match[1]!, ERRNO_NAMES)}`);
  return { words: rest, expect: errno };
}
