import type { AttributionRow } from '../analysis/types.ts';
import { headline } from '../report/html-headline.ts';
import type { RunResult } from '../result/types.ts';
import { EXIT } from './exit-codes.ts';
import { say } from './progress.ts';

/**
 * Exit status of a result: findings when a strategy threw, a law was broken or a step came out otherwise than stated. A hazard
 * is what a design risks, no failed check.
 */
export function resultExit({ strategies }: RunResult): number {
  const isSound = strategies.every(
    ({ error, findings }) => error === null && findings.every(({ kind }) => kind === 'hazard'),
  );
  return isSound ? EXIT.passed : EXIT.findings;
}

/** Tells the user what went wrong in a run. */
export function sayAlarms(result: RunResult, rows: readonly AttributionRow[]): void {
  for (const alarm of headline(result, rows).alarms) say(`${result.scenario.id}: ${alarm}`);
}
