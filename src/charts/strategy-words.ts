import { LABELS, LABEL_WORDS } from '../analysis/labels.ts';
import type { StrategyRun } from '../result/types.ts';

/** One subtitle line that explains the labels which occur. */
export function labelLine(strategies: readonly StrategyRun[]): string {
  const labels = LABELS.filter((label) => strategies.some((strategy) => strategy.label === label));
  return labels.map((label) => LABEL_WORDS[label]).join('; ');
}

/**
 * A strategy's name in lines of at most `width` characters where it can be broken: before `+` and `{`, after commas, and
 * (asked for) after hyphens.
 */
export function nameLines(name: string, width: number, breaks: RegExp = /(?=[+{])|(?<=,)/): string[] {
  const lines: string[] = [];
  for (const piece of name.split(breaks)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + piece.length <= width) lines[lines.length - 1] = last + piece;
    else lines.push(piece);
  }
  return lines;
}

/** A strategy's name for headers and axes: its lines, then its label, joined by newlines, which the pictures split again. */
export function strategyWords(strategy: StrategyRun, width = 26): string {
  const stopped = strategy.error ? `, stopped at step ${strategy.error.step}` : '';
  return [...nameLines(strategy.name, width), `(${strategy.label}${stopped})`].join('\n');
}
