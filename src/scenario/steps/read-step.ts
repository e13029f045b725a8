import type { Place, Report } from '../place.ts';
import { hint } from '../suggest.ts';
import type { Step } from '../types.ts';
import { takeExpectation } from './expectation.ts';
import { NAME_RULES } from './name-rules.ts';
import { textOf, type Word } from './split-line.ts';
import { type StepSurroundings, StepWords } from './step-words.ts';
import { findVerb, FIRST_WORDS, isControllerVerb, secondWords } from './verb-words.ts';

/** Words that open and close a block; they are no steps. */
export const BLOCK_WORDS: readonly string[] = ['repeat', 'end'];

/** One line of a script that is no block word. */
interface StepLine {
  line: string;
  words: readonly Word[];
  place: (start: number) => Place;
  report: Report;
  surroundings: StepSurroundings;
}

/** Reads `[WORKER:] VERB ARGUMENTS [= RESULT]`; null when something is wrong with it. */
export function readStep({ line, words: all, place, report, surroundings }: StepLine): Step | null {
  const placeOf = (word: Word): Place => place(word.start);
  const [opening] = all;
  const who = opening!.text.endsWith(':') ? opening!.text.slice(0, -1) : null;
  const afterWho = who === null ? all : all.slice(1);
  const [first] = afterWho;
  // A note is free text and may end as it likes.
  const isNote = first?.text === 'note';
  let problems = 0;
  const complain: Report = (...problem) => {
    problems++;
    report(...problem);
  };
  const { words, expect } = isNote
    ? { words: [...afterWho], expect: null }
    : takeExpectation(afterWho, placeOf, complain);
  const mayFail = surroundings.mayFail || (expect !== null && expect !== 0);
  if (who !== null && !NAME_RULES.worker.pattern.test(who)) {
    complain(placeOf(opening!), 'step', `"${who}" is no name of a worker: ${NAME_RULES.worker.words}`);
  } else if (who !== null && !mayFail) {
    surroundings.names.use('worker', who, placeOf(opening!));
  }
  if (!first || words.length === 0) {
    complain(placeOf(all.at(-1)!), 'step', 'the line has no verb');
    return null;
  }
  const found = findVerb(first.text, words[1]?.text);
  if (!found) {
    reportUnknown(words, placeOf, complain);
    for (const word of words) surroundings.names.excuse(word.text);
    return null;
  }
  if (who !== null && isControllerVerb(found.verb)) {
    complain(placeOf(opening!), 'step', `"${first.text}" is a step of the controller: take "${who}:" away`);
  }
  const used = found.verb.includes(' ') || secondWords(first.text) ? 2 : 1;
  const reader = new StepWords({
    head: first.text,
    line,
    words: words.slice(used),
    end: words.at(-1)!.start + words.at(-1)!.text.length,
    usage: found.usage,
    mayFail,
    surroundings,
    place,
    report: complain,
  });
  const args = found.rule.read(reader);
  reader.finish();
  if (problems > 0) return null;
  const text = textOf(line, who === null ? words : [opening!, ...words]);
  // The rule of a verb reads the arguments of that verb; the table's type says so, but not across its keys.
  return { ...placeOf(first), who, text, expect, verb: found.verb, args } as Step;
}

function reportUnknown(words: readonly Word[], placeOf: (word: Word) => Place, report: Report): void {
  const [first, second] = words as [Word, Word | undefined];
  if (BLOCK_WORDS.includes(first.text)) {
    report(placeOf(first), 'step', `"${first.text}" is no step: it takes neither a worker nor a result`);
    return;
  }
  const seconds = secondWords(first.text);
  if (!seconds) {
    const glued = /^([\w.-]+):(.+)$/.exec(first.text);
    const words = glued
      ? `write a space after "${glued[1]}:"`
      : hint(first.text, [...FIRST_WORDS, ...BLOCK_WORDS]);
    report(placeOf(first), 'step', `unknown verb "${first.text}": ${words}`);
  } else if (second) {
    const words = hint(second.text, seconds);
    report(placeOf(second), 'step', `unknown verb "${first.text} ${second.text}": ${words}`);
  } else
    report(placeOf(first), 'step', `"${first.text}" is half a verb, then comes one of ${seconds.join(', ')}`);
}
