import type { Place, Report } from '../place.ts';
import type { Step } from '../types.ts';
import { readStep } from './read-step.ts';
import type { ScriptText } from './script-text.ts';
import { splitLine, type Word } from './split-line.ts';
import type { StepSurroundings } from './step-words.ts';

/** Most steps that a script may have once its blocks are unrolled: each is a line of the result under every strategy. */
export const MAX_STEPS = 10_000;

/** Steps in order, with the blocks among them. */
interface Block {
  times: number;
  items: (Step | Block)[];
  place: Place;
}

/** Parses a script and unrolls its `repeat N` … `end` blocks. What is wrong is reported; the steps are then incomplete. */
export function parseScript(script: ScriptText, surroundings: StepSurroundings, report: Report): Step[] {
  const top: Block = { times: 1, items: [], place: script.place(0, 0) };
  const open = [top];
  let hasContent = false;
  script.text.split(/\r?\n/).forEach((line, lineNumber) => {
    const words = splitLine(line);
    const [first] = words;
    if (!first) return;
    hasContent = true;
    const place = (start: number): Place => script.place(lineNumber, start);
    if (first.text === 'repeat') {
      const block = { times: readTimes(words, place, report), items: [], place: place(first.start) };
      open.at(-1)!.items.push(block);
      open.push(block);
    } else if (first.text === 'end') {
      if (words[1]) report(place(words[1].start), 'step', '"end" stands alone on its line');
      if (open.length > 1) open.pop();
      else report(place(first.start), 'step', '"end" without a "repeat" before it');
    } else {
      const step = readStep({ line, words, place, report, surroundings });
      if (step) open.at(-1)!.items.push(step);
    }
  });
  for (const block of open.slice(1)) report(block.place, 'step', '"repeat" without an "end" after it');
  if (!hasContent) report(top.place, 'step', 'the script has no steps');
  const count = countSteps(top);
  if (count > MAX_STEPS) {
    const place =
      top.items.find((item): item is Block => 'items' in item && countSteps(item) > 1)?.place ?? top.place;
    report(
      place,
      'range',
      `the script has ${count} steps once its blocks are unrolled: at most ${MAX_STEPS} are run`,
    );
    return [];
  }
  return unroll(top);
}

function readTimes(words: readonly Word[], place: (start: number) => Place, report: Report): number {
  const [first, count, extra] = words as [Word, Word | undefined, Word | undefined];
  if (!count || !/^[1-9]\d{0,8}$/.test(count.text)) {
    const message = count ? `"${count.text}" is no number of rounds` : 'the number of rounds is missing';
    report(
      place((count ?? first).start),
      'step',
      `${message}: repeat N, from 1 on, then the steps, then "end"`,
    );
    return 1;
  }
  if (extra) report(place(extra.start), 'step', `"${extra.text}" does not belong here: repeat N`);
  return Number(count.text);
}

function countSteps(block: Block): number {
  return block.times * block.items.reduce((sum, item) => sum + ('items' in item ? countSteps(item) : 1), 0);
}

function unroll(block: Block): Step[] {
  const once = block.items.flatMap((item) => ('items' in item ? unroll(item) : [item]));
  return Array.from({ length: block.times }, () => once).flat();
}
