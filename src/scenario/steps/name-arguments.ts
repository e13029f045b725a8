import { NAME_RULES, type NameKind } from './name-rules.ts';
import type { Word } from './split-line.ts';
import type { StepWords } from './step-words.ts';

/** What `self` stands for in steps of the controller. */
const DEFAULT_WORKER = 'w0';

/** Takes a name that the step makes. */
export function takeNew(words: StepWords, kind: 'object' | 'worker' | 'cgroup'): string {
  const word = words.take(kind === 'cgroup' ? 'PATH' : kind === 'worker' ? 'WORKER' : 'NAME');
  if (!word) return '';
  if (isName(words, word, kind)) words.surroundings.names.make(kind, word.text);
  return word.text;
}

/** Takes the name of an object that some step makes. */
export function takeObject(words: StepWords, what: string = 'NAME'): string {
  const word = words.take(what);
  if (!word) return '';
  use(words, word, 'object');
  return word.text;
}

/** Takes a worker's name. */
export function takeWorker(words: StepWords): string {
  const word = words.take('WORKER');
  if (!word) return '';
  if (word.text === 'self') return DEFAULT_WORKER;
  use(words, word, 'worker');
  return word.text;
}

/** Takes a cgroup's path. */
export function takeCgroup(words: StepWords): string {
  const word = words.take('PATH');
  if (!word) return '';
  use(words, word, 'cgroup');
  return word.text;
}

/** Takes a name that is good for a file. */
export function takeFileName(words: StepWords, what: string, kind: 'label' | 'file name'): string {
  const word = words.take(what);
  if (word) isName(words, word, kind);
  return word?.text ?? '';
}

/** Notes that a step needs something another one makes; a step that states a failure may name what is not there. */
function use(words: StepWords, word: Word, kind: 'object' | 'worker' | 'cgroup'): void {
  if (!isName(words, word, kind) || words.mayFail) return;
  words.surroundings.names.use(kind, word.text, words.placeOf(word));
}

function isName(words: StepWords, word: Word, kind: NameKind): boolean {
  const rule = NAME_RULES[kind];
  if (rule.pattern.test(word.text)) return true;
  const what =
    kind === 'cgroup' || kind === 'label' || kind === 'file name'
      ? kind
      : `name of ${kind === 'object' ? 'an' : 'a'} ${kind}`;
  words.complain(word, 'step', `"${word.text}" is no ${what}: ${rule.words}`);
  return false;
}
