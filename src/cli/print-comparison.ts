import type { Comparison } from '../report/comparison-types.ts';
import { formatComparison, type ComparisonFormat } from '../report/format-comparison.ts';
import { isOn, textOf, type Arguments } from './verb.ts';

/** How wide a table is that goes into a file or a pipe. */
const PIPE_WIDTH = 120;

/** Prints comparisons on the standard output as asked: texts with a line between them, JSON documents one after the other. */
export class ComparisonPrinter {
  readonly #args: Arguments;
  readonly #format: ComparisonFormat;
  #count = 0;

  constructor(args: Arguments) {
    this.#args = args;
    this.#format = textOf(args, 'format') as ComparisonFormat;
  }

  print(comparison: Comparison): void {
    const isText = this.#format === 'table' || this.#format === 'md';
    const text = formatComparison(comparison, this.#format, {
      width: process.stdout.columns || PIPE_WIDTH,
      nodes: isOn(this.#args, 'nodes'),
      exact: isOn(this.#args, 'exact'),
      scorecard: isOn(this.#args, 'scorecard'),
    });
    process.stdout.write(isText && this.#count > 0 ? `\n${text}` : text);
    this.#count++;
  }
}
