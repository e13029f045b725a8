import { matchLine, readNumber, splitLines, ProcTextError } from './proc-text.ts';

/** Prints a cgroup limit or usage in bytes; null is `max`. */
export function renderBytes(bytes: number | null): string {
  return `${bytes ?? 'max'}\n`;
}

/** Reads a file of one number or `max`; `file` is the name errors use. */
export function parseBytes(file: string, text: string): number | null {
  const lines = splitLines(file, text);
  const line = lines[0];
  if (!line || lines.length > 1)
    throw new ProcTextError(file, 0, '', `expected one line, not ${lines.length}`);
  const [, word] = matchLine(line, /^(max|\d+)$/, 'a number or "max"');
  return word === 'max' ? null : readNumber(line, word);
}

/** Prints numbers one a line, as in cgroup.procs. */
export function renderNumbers(numbers: readonly number[]): string {
  return numbers.map((number) => `${number}\n`).join('');
}

/** Reads numbers one a line; `file` is the name errors use. */
export function parseNumbers(file: string, text: string): number[] {
  return splitLines(file, text).map((line) => readNumber(line, line.text));
}
