import { addOnce, matchLine, readNumber, splitLines } from './proc-text.ts';

/** Named numbers in the order of the file. */
export type Counters = Map<string, number>;

/** Prints `name value` lines, the form of vmstat, memory.stat, memory.events and numastat. */
export function renderKeyValues(counters: ReadonlyMap<string, number>): string {
  let text = '';
  for (const [name, value] of counters) text += `${name} ${value}\n`;
  return text;
}

/** Reads `name value` lines; `file` is the name errors use. */
export function parseKeyValues(file: string, text: string): Counters {
  const counters: Counters = new Map();
  for (const line of splitLines(file, text)) {
    const [, name, digits] = matchLine(line, /^(\S+) (-?\d+)$/, '"name value"');
    addOnce(counters, line, name!, readNumber(line, digits));
  }
  return counters;
}

/** Picks the listed names, in that order; a name without a value is zero. */
export function pick(names: readonly string[], values: Readonly<Record<string, number>>): Counters {
  return new Map(names.map((name) => [name, values[name] ?? 0]));
}
