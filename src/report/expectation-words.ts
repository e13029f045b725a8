import type { ExpectationResult, ExpectationUnit, RunResult } from '../result/types.ts';
import { formatSize } from '../units/pages.ts';

/** An expectation with the strategy whose run it is about. */
export interface StrategyExpectation extends ExpectationResult {
  strategy: string;
}

/** The expectations of a result, in the order of the scenario's file; those of one place by strategy, as they ran. */
export function allExpectations({ strategies }: RunResult): StrategyExpectation[] {
  return strategies
    .flatMap(({ name, expectations }) => expectations.map((one) => ({ strategy: name, ...one })))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

/** An expectation that is not met, and under which strategies the same came instead. */
export interface UnmetExpectation extends ExpectationResult {
  strategies: string[];
}

/** Expectations that are not met, in the order of the scenario's file; equal failures are put together. */
export function unmetExpectations(result: RunResult): UnmetExpectation[] {
  const byOutcome = new Map<string, UnmetExpectation>();
  for (const { strategy, ...one } of allExpectations(result)) {
    if (one.isMet) continue;
    const key = JSON.stringify([one.line, one.column, one.at, one.actual]);
    const found = byOutcome.get(key);
    if (found) found.strategies.push(strategy);
    else byOutcome.set(key, { ...one, strategies: [strategy] });
  }
  return [...byOutcome.values()];
}

/** `process vmm rss at T2 since base: 0 instead of 40G, under tdp-fault`. */
export function unmetWords(one: UnmetExpectation): string {
  const { reading, at, since, unit, expected, tolerance, actual, strategies } = one;
  const moment = `${at === null ? '' : ` at ${at}`}${since === null ? '' : ` since ${since}`}`;
  const off = tolerance > 0 ? ` +-${valueWords(tolerance, unit)}` : '';
  const values = `${valueWords(actual, unit)} instead of ${valueWords(expected, unit)}${off}`;
  return `${reading}${moment}: ${values}, under ${strategies.join(', ')}`;
}

/** `312 expectations met`, or `2 of 312 expectations not met`. */
export function expectationCount(all: readonly ExpectationResult[]): string {
  const failed = all.filter(({ isMet }) => !isMet).length;
  const words = `${all.length} expectation${all.length === 1 ? '' : 's'}`;
  return failed > 0 ? `${failed} of ${words} not met` : `${words} met`;
}

/** A value as scenarios write it. */
export function valueWords(value: number | string | null, unit: ExpectationUnit): string {
  if (value === null) return 'none';
  if (typeof value === 'string' || unit !== 'bytes') return String(value);
  return value < 0 ? `-${formatSize(-value)}` : formatSize(value);
}
