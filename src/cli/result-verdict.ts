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

/** What went wrong in a run, for the user. */
export function alarmLines(result: RunResult, rows: readonly AttributionRow[]): string[] {
  return headline(result, rows).alarms.map((alarm) => `${result.scenario.id}: ${alarm}`);
}

/** Which expectations of a scenario are not met, as compilers tell of errors; or how many all of them are. */
export function expectationLines({ file }: Pick<Scenario, 'file'>, result: RunResult): string[] {
  const all = allExpectations(result);
  const failed = unmetExpectations(result);
  if (failed.length > 0) {
    return failed.map((one) => `${file}:${one.line}:${one.column}: ${unmetWords(one)}`);
  }
  return all.length > 0 ? [`${result.scenario.id}: ${expectationCount(all)}`] : [];
}
