import { accessSync, constants, existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AttributionRow } from '../analysis/types.ts';
import { baselineText, parseBaseline } from '../report/baseline.ts';
import { compareBaseline, formatBaselineDiff, hasChanged } from '../report/compare-baseline.ts';
import type { RunResult } from '../result/types.ts';
import { EXIT } from './exit-codes.ts';
import { readText } from './find-file.ts';
import { fileErrorWords, InputError } from './input-error.ts';
import { say } from './progress.ts';

/** The baseline that a run is compared with, or that it writes. */
export class BaselineFile {
  readonly #file: string;
  /** What is there; null when it is to be written. */
  readonly #text: string | null;

  /** Throws InputError when the file can't be read, is no baseline, or can't be written. */
  constructor(file: string, { isUpdate }: { isUpdate: boolean }) {
    this.#file = file;
    this.#text = isUpdate ? null : readBaseline(file);
    if (isUpdate) checkWritable(file);
  }

  /** Compares rows with the baseline, or writes it; the exit status of that. */
  judge({ scenario, strategies }: RunResult, rows: readonly AttributionRow[]): number {
    if (this.#text === null) {
      if (strategies.some(({ error }) => error !== null)) {
        say(`${this.#file}: not written, because a strategy stopped`);
        return EXIT.findings;
      }
      replaceFile(this.#file, baselineText(rows));
      say(`${scenario.id}: wrote ${rows.length} values to ${this.#file}`);
      return EXIT.passed;
    }
    const diff = compareBaseline(this.#text, rows);
    say(formatBaselineDiff(diff, this.#file).trimEnd());
    return hasChanged(diff) ? EXIT.findings : EXIT.passed;
  }
}

function readBaseline(file: string): string {
  if (!existsSync(file)) {
    throw new InputError([`${file}: no such baseline; --update-baseline writes it`]);
  }
  const found = readText(file);
  if ('problem' in found) throw new InputError([found.problem]);
  const { problems } = parseBaseline(found.text);
  if (problems.length > 0) {
    throw new InputError(problems.map(({ line, message }) => `${file}:${line}:1: ${message}`));
  }
  return found.text;
}

function checkWritable(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK);
    if (existsSync(file) && !statSync(file).isFile()) {
      throw new InputError([`can't write ${file}: it is no regular file`]);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError([`can't write ${file}: ${fileErrorWords(error)}`]);
  }
}

/** In one move, so that nobody ever reads half a baseline. */
function replaceFile(file: string, text: string): void {
  const partial = `${file}.partial-${process.pid}`;
  try {
    writeFileSync(partial, text);
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw new InputError([`can't write ${file}: ${fileErrorWords(error)}`]);
  }
}
