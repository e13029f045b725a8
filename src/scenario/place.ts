import type { Problem } from './types.ts';

/** Where something stands in a file; both count from 1, columns in UTF-16 units as editors do. */
export interface Place {
  line: number;
  column: number;
}

/** Takes what is wrong, wherever it is found. */
export type Report = (place: Place, reason: Problem['reason'], message: string) => void;

/** Collects the problems of one file. */
export class ProblemList {
  readonly file: string;
  readonly #problems: Problem[] = [];

  constructor(config: { file: string }) {
    this.file = config.file;
  }

  readonly report: Report = ({ line, column }, reason, message) => {
    this.#problems.push({ file: this.file, line, column, message, reason });
  };

  get count(): number {
    return this.#problems.length;
  }

  /** In reading order. */
  sorted(): Problem[] {
    return [...this.#problems].sort((a, b) => a.line - b.line || a.column - b.column);
  }
}
