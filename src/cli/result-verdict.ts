import type { AttributionRow } from '../analysis/types.ts';
import {
  allExpectations,
  expectationCount,
  unmetExpectations,
  unmetWords,
} from '../report/expectation-words.ts';
import { headline } from '../report/html-headline.ts';
import type { RunResult } from '../result/types.ts';
import { unexpectedFindings } from '../result/unexpected-findings.ts';
import type { Scenario } from '../scenario/types.ts';
import { EXIT } from './exit-codes.ts';
import { say } from './progress.ts';

/**
 * Exit status of a result: findings when a strategy threw, a law was broken, a step came out otherwise than stated or an
 * expectation is not met. A hazard is what a design risks, no failed check.
 */
export function resultExit({ strategies }: RunResult): number {
  const isSound = strategies.every(
    (run) =>
      run.error === null &&
      unexpectedFindings(run).length === 0 &&
      run.expectations.every(({ isMet }) => isMet),
  );
  return isSound ? EXIT.passed : EXIT.findings;
}

/** Tells the user what went wrong in a run. */
export function sayAlarms(result: RunResult, rows: readonly AttributionRow[]): void {
  for (const alarm of headline(result, rows).alarms) say(`${result.scenario.id}: ${alarm}`);
}

/** Tells the user which expectations of a scenario are not met, as compilers tell of errors; or how many all of them are. */
export function sayExpectations({ file }: Pick<Scenario, 'file'>, result: RunResult): void {
  const all = allExpectations(result);
  const failed = unmetExpectations(result);
  for (const one of failed) say(`${file}:${one.line}:${one.column}: ${unmetWords(one)}`);
  if (failed.length === 0 && all.length > 0) say(`${result.scenario.id}: ${expectationCount(all)}`);
}
