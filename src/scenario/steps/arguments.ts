import { parseList } from '../../units/nodelist.ts';
import { formatSize, PAGE_SIZE, pagesFor, parseSize } from '../../units/pages.ts';
import type { RandomTouch } from '../types.ts';
import { hint } from '../suggest.ts';
import { missingNodes } from './node-words.ts';
import type { Word } from './split-line.ts';
import type { StepWords } from './step-words.ts';

const SIZE_WORDS = 'digits and one of K, M, G, T or p (pages of 4 KiB), as in 64M or 3p';

/** A size, offset or address in bytes. */
export function takeSize(words: StepWords, what: string): number {
  const word = words.take(what);
  return word ? readSize(words, word) : 0;
}

/** A size that may not be 0: whatever takes it would never end. */
export function takeStride(words: StepWords, what: string): number {
  const word = words.take(what);
  if (!word) return 1;
  const before = words.problemCount;
  const bytes = readSize(words, word);
  if (bytes === 0 && words.problemCount === before) words.complain(word, 'range', `${what} may not be 0`);
  return bytes;
}

/** `name=SIZE`, or null when it is absent. */
export function takeKeyedSize(words: StepWords, name: string): number | null {
  const word = words.keyed(name);
  return word ? readSize(words, word) : null;
}

/** `name=SIZE` at a page border, or null when it is absent. */
export function takeKeyedPages(words: StepWords, name: string): number | null {
  const word = words.keyed(name);
  if (!word) return null;
  const bytes = readSize(words, word);
  if (bytes % PAGE_SIZE !== 0)
    words.complain(word, 'range', `${word.text} is no multiple of 4096: ${name}= needs one`);
  return bytes;
}

function readSize(words: StepWords, word: Word): number {
  const bytes = parseSize(word.text);
  if (bytes === undefined) words.complain(word, 'step', `"${word.text}" is no size: ${SIZE_WORDS}`);
  return bytes ?? 0;
}

/** A whole number from `min` on, decimal or 0x…. */
export function takeNumber(words: StepWords, what: string, min: number = 0): number {
  const word = words.take(what);
  return word ? readNumber(words, word, min) : min;
}

/** `name=NUMBER`, or `fallback` when it is absent. */
export function takeKeyedNumber<T>(words: StepWords, name: string, fallback: T): number | T {
  const word = words.keyed(name);
  return word ? readNumber(words, word, 0) : fallback;
}

export function readNumber(words: StepWords, word: Word, min: number): number {
  const isNumber = /^-?(?:\d+|0x[0-9a-f]+)$/i.test(word.text);
  const value = isNumber ? Number(word.text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= min) return value;
  const from = Number.isFinite(min) ? ` from ${min} on` : '';
  words.complain(word, 'step', `"${word.text}" is no whole number${from}`);
  return Number.isFinite(min) ? min : 0;
}

/** One word of a fixed set. */
export function takeChoice<T extends string>(words: StepWords, what: string, choices: readonly T[]): T {
  const word = words.take(what);
  return word ? readChoice(words, word, word.text, what, choices) : choices[0]!;
}

export function readChoice<T extends string>(
  words: StepWords,
  word: Word,
  text: string,
  what: string,
  choices: readonly T[],
): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) words.complain(word, 'step', `"${text}" is no ${what}: ${hint(text, choices)}`);
  return found ?? choices[0]!;
}

/** A Linux list of nodes, which the machine must have unless they are positions among those that a cpuset allows. */
export function takeNodes(words: StepWords, what: string, areRelative: boolean = false): number[] {
  const word = words.take(what);
  if (!word) return [];
  const nodes = parseList(word.text);
  if (!nodes) {
    words.complain(word, 'step', `"${word.text}" is no list of nodes: numbers and ranges, as in 0,2-3`);
    return [];
  }
  if (!areRelative) checkNodes(words, word, nodes);
  return nodes;
}

/** The number of a node of the machine. */
export function takeNode(words: StepWords, what: string): number {
  const word = words.take(what);
  if (!word) return 0;
  const node = readNumber(words, word, 0);
  checkNodes(words, word, [node]);
  return node;
}

function checkNodes(words: StepWords, word: Word, nodes: readonly number[]): void {
  const { machine } = words.surroundings;
  if (!machine || words.mayFail) return;
  const missing = missingNodes(nodes, machine.nodeCount);
  if (missing !== null) words.complain(word, 'reference', missing);
}

/** The number of a CPU of the machine. */
export function takeCpu(words: StepWords): number {
  const word = words.take('CPU');
  if (!word) return 0;
  const cpu = readNumber(words, word, 0);
  const cpus = words.surroundings.machine?.cpus;
  if (cpus && !cpus.has(cpu) && !words.mayFail) {
    const last = Math.max(...cpus);
    const message = `${cpu} is not a CPU of this machine (it has ${cpus.size}, the last is ${last})`;
    words.complain(word, 'reference', message);
  }
  return cpu;
}

/** `random=COUNT [seed=N]` over a range, or null when it is absent. */
export function takeRandom(words: StepWords, bytes: number): RandomTouch | null {
  const count = words.keyed('random');
  const seed = words.keyed('seed');
  if (!count) {
    if (seed) words.complain(seed, 'step', 'seed= belongs to random=COUNT, which is missing');
    return null;
  }
  const touch = {
    count: readNumber(words, count, 1),
    seed: seed ? readNumber(words, seed, 0) : words.surroundings.seed,
  };
  if (words.problemCount === 0 && touch.count > pagesFor(bytes)) {
    const pages = `${pagesFor(bytes)} pages in ${formatSize(bytes)}`;
    words.complain(
      count,
      'range',
      `${touch.count} pages are asked for, without repetition, but there are ${pages}`,
    );
  }
  return touch;
}
