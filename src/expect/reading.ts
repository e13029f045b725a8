import type { KernelLayout } from '../procfs/kernel-layout.ts';
import type { ExpectationUnit, Snapshot, StrategyRun } from '../result/types.ts';

/** What a reading can see: a run, and one of its snapshots where it looks at a moment. */
export interface Seen {
  run: StrategyRun;
  /** null: the end of the run. */
  snapshot: Snapshot | null;
}

/** What is read. Sizes are in bytes; null when there is nothing to read. */
export interface Reading {
  unit: ExpectationUnit;
  read(seen: Seen): number | string | null;
}

/** What the words of a reading may name; a list that is null is not checked. */
export interface ReadingNames {
  workers: readonly string[] | null;
  cgroups: readonly string[] | null;
  objects: readonly string[] | null;
  /** Steps of the script, as written. */
  steps: readonly string[] | null;
  nodeCount: number | null;
  layout: KernelLayout;
}

/** Everything may be named: the words were checked when the scenario was read. */
export const anyNames = (layout: KernelLayout): ReadingNames => ({
  workers: null,
  cgroups: null,
  objects: null,
  steps: null,
  nodeCount: null,
  layout,
});

/** A kind of reading, by its first word. */
export interface ReadingKind {
  /** How it is written, for messages. */
  usage: string;
  /** moment: of a snapshot; run: of the whole run; either: up to a snapshot, or in the whole run. */
  of: 'moment' | 'run' | 'either';
  /** Makes the reading of the words behind the first; throws ReadingError. */
  parse(words: ReadingWords): Reading;
}

/** What is wrong with the words of a reading. */
export class ReadingError extends Error {}

/** The words of a reading behind its first, taken one by one. */
export class ReadingWords {
  readonly names: ReadingNames;
  readonly #words: string[];

  constructor(text: string, names: ReadingNames) {
    this.#words = text.split(/\s+/).filter((word) => word !== '');
    this.names = names;
  }

  /** The next word, one of `choices` when they are known. */
  take(what: string, choices: readonly string[] | null = null): string {
    const word = this.#words.shift();
    if (word === undefined) throw new ReadingError(`${what} is missing`);
    if (choices !== null && !choices.includes(word)) throw new UnknownWordError(word, what, choices);
    return word;
  }

  /** A node number. */
  takeNode(): number {
    const { nodeCount } = this.names;
    const word = this.take('the node');
    const nid = /^\d+$/.test(word) ? Number(word) : -1;
    if (nid < 0 || (nodeCount !== null && nid >= nodeCount)) {
      throw new ReadingError(`no node "${word}": nodes are 0 to ${(nodeCount ?? 1024) - 1}`);
    }
    return nid;
  }

  /** `node N` at the end, or null. */
  takeNodePart(): number | null {
    if (this.#words[0] !== 'node') return null;
    this.#words.shift();
    return this.takeNode();
  }

  /** Whether the next word is this one; takes it then. */
  takeWord(word: string): boolean {
    if (this.#words[0] !== word) return false;
    this.#words.shift();
    return true;
  }

  /** All that is left, with single blanks. */
  takeRest(what: string): string {
    const rest = this.#words.splice(0).join(' ');
    if (rest === '') throw new ReadingError(`${what} is missing`);
    return rest;
  }

  finish(): void {
    const [extra] = this.#words;
    if (extra !== undefined) throw new ReadingError(`"${extra}" does not belong here`);
  }
}

/** A word that is none of those that are possible. */
export class UnknownWordError extends ReadingError {
  readonly word: string;
  readonly choices: readonly string[];
  constructor(word: string, what: string, choices: readonly string[]) {
    super(`no ${what.replace(/^the /, '')} "${word}"`);
    this.word = word;
    this.choices = choices;
  }
}
