import type { Scenario } from '../scenario/types.ts';
import { makeReport, type MadeReport } from './make-report.ts';
import type { Drawing } from './report-files.ts';
import { loadCatalogue, planStrategies } from './plan-strategies.ts';

/** A job as it is sent to a thread: functions can't be, so that strategies go by their names. */
export interface ReportTask {
  scenario: Scenario;
  strategies: string[];
  /** Files of the user's own parts. */
  strategyFiles: string[];
  draw: Drawing;
}

/** Makes one report in a thread of its own. All it is given was found to be sound before. */
export default async function reportWorker(task: ReportTask): Promise<MadeReport> {
  const own = await loadCatalogue(task.strategyFiles);
  const { plans, problems } = planStrategies(own, task.strategies);
  const wrong = [...own.problems, ...problems.map(({ words }) => words)];
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  return makeReport({ scenario: task.scenario, plans }, task.draw);
}
