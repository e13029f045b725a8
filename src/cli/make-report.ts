import { attribution } from '../analysis/attribution.ts';
import type { Comparison } from '../report/comparison-types.ts';
import { compareStrategies } from '../report/comparison.ts';
import { reportFiles, type Drawing, type ReportFile } from './report-files.ts';
import type { Job } from './load-jobs.ts';
import { alarmLines, expectationLines, resultExit } from './result-verdict.ts';
import { simulate } from './simulate.ts';

/** What the run of a scenario comes to: plain data, so that it can cross from one thread to another. */
export interface MadeReport {
  files: ReportFile[];
  comparison: Comparison;
  /** What the user is told beside the comparison. */
  lines: string[];
  exit: number;
}

/** Runs a scenario under its strategies, and renders everything that its report holds. */
export async function makeReport({ scenario, plans }: Job, draw: Drawing): Promise<MadeReport> {
  const result = await simulate(scenario, plans);
  const rows = attribution(result);
  const comparison = compareStrategies(result, rows);
  const { files, warnings } = await reportFiles({ result, rows, comparison, draw });
  return {
    files,
    comparison,
    lines: [...warnings, ...alarmLines(result, rows), ...expectationLines(scenario, result)],
    exit: resultExit(result),
  };
}
