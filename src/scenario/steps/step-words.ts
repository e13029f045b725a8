import type { Problem } from '../types.ts';
import type { Place } from '../place.ts';
import { closestName } from '../../units/closest-name.ts';
import type { ScriptNames } from './script-names.ts';
import { textOf, type Word } from './split-line.ts';

/** What a script can refer to beyond itself. */
export interface StepSurroundings {
  /** Null when the machine's own description has problems: what is not known of it is not checked. */
  machine: { nodeCount: number; cpus: ReadonlySet<number> | null } | null;
  names: ScriptNames;
  /** Seed of random touches that state none. */
  seed: number;
  /** Every step may fail and name what is not there. */
  mayFail: boolean;
}

/**
 * The words of one step after its verb, taken one by one. Problems are reported and reading goes on with neutral values, so that
 * all problems of a line are found at once; a step with problems is never run.
 */
export class StepWords {
  /** First word of the verb: `gmem` in `gmem punch`. */
  readonly head: string;
  readonly surroundings: StepSurroundings;
  /** The step may fail: it may name what is not there. */
  readonly mayFail: boolean;
  problemCount = 0;
  readonly #usage: string;
  readonly #report: (start: number, reason: Problem['reason'], message: string) => void;
  readonly #place: (start: number) => Place;
  readonly #line: string;
  readonly #end: number;
  readonly #missing: string[] = [];
  /** Optional words asked for so far: what a misspelt one may have meant. */
  readonly #optional: string[] = [];
  #words: Word[];

  constructor(config: {
    head: string;
    line: string;
    words: readonly Word[];
    /** Index in the line where the last word ends. */
    end: number;
    usage: string;
    mayFail: boolean;
    surroundings: StepSurroundings;
    place: (start: number) => Place;
    report: (place: Place, reason: Problem['reason'], message: string) => void;
  }) {
    this.head = config.head;
    this.surroundings = config.surroundings;
    this.mayFail = config.mayFail;
    this.#words = [...config.words];
    this.#line = config.line;
    this.#end = config.end;
    this.#usage = config.usage;
    this.#place = config.place;
    this.#report = (start, reason, message) => {
      this.problemCount++;
      config.report(config.place(start), reason, message);
    };
  }

  /** The next word; `what` names it in the message when there is none. */
  take(what: string): Word | undefined {
    const word = this.#words.shift();
    if (!word) this.#missing.push(what);
    return word;
  }

  /** The next word without taking it. */
  peek(): string | undefined {
    return this.#words[0]?.text;
  }

  /** All words that are left. */
  takeRest(what: string): Word[] {
    const rest = this.#words;
    this.#words = [];
    if (rest.length === 0) this.#missing.push(what);
    return rest;
  }

  /** Some words of the line as they are written, with the blanks between them. */
  textOf(words: readonly Word[]): string {
    return textOf(this.#line, words);
  }

  /** Takes an optional word from wherever it stands among those left. */
  flag(name: string): boolean {
    this.#optional.push(name);
    const at = this.#words.findIndex((word) => word.text === name);
    if (at < 0) return false;
    this.#words.splice(at, 1);
    return true;
  }

  /** Takes `name=VALUE` from wherever it stands among the words left, and returns VALUE with its own place. */
  keyed(name: string): Word | undefined {
    this.#optional.push(`${name}=`);
    const at = this.#words.findIndex((word) => word.text.startsWith(`${name}=`));
    if (at < 0) return undefined;
    const [word] = this.#words.splice(at, 1);
    const skipped = name.length + 1;
    return { text: word!.text.slice(skipped), start: word!.start + skipped };
  }

  complain(word: Word, reason: Problem['reason'], message: string): void {
    this.#report(word.start, reason, message);
  }

  placeOf(word: Word): Place {
    return this.#place(word.start);
  }

  /** Reports words that are missing and words that nothing asked for. */
  finish(): void {
    if (this.#missing.length > 0) {
      this.#report(this.#end, 'step', `${this.#missing.join(' and ')} missing: ${this.#usage}`);
    }
    for (const word of this.#words) {
      const near = closestName(word.text.replace(/=.*/, '='), this.#optional);
      const meant = near === undefined ? '' : `did you mean "${near}"? `;
      this.#report(word.start, 'step', `"${word.text}" does not belong here: ${meant}${this.#usage}`);
    }
  }
}
