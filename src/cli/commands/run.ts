import { join } from 'node:path';
import { attribution } from '../../analysis/attribution.ts';
import { formatComparison, type ComparisonFormat } from '../../report/format-comparison.ts';
import { compareStrategies } from '../../report/comparison.ts';
import { worstExit } from '../exit-codes.ts';
import { loadJobs, type Job } from '../load-jobs.ts';
import { say } from '../progress.ts';
import { ReportDirectory } from '../report-directory.ts';
import { resultExit, sayAlarms } from '../result-verdict.ts';
import { simulate } from '../simulate.ts';
import { isOn, textOf, type Arguments } from '../verb.ts';
import { tableOptions } from '../table-options.ts';
import { writeReport } from '../write-report.ts';

/** `gmemlab run`: nothing is written unless every scenario, strategy and directory is sound. */
export async function runCommand(args: Arguments): Promise<number> {
  const { jobs } = await loadJobs(args);
  const directories = openDirectories(jobs, textOf(args, 'out'));
  const exits: number[] = [];
  try {
    for (const [at, job] of jobs.entries()) {
      exits.push(await runJob(job, directories[at]!, args));
    }
  } catch (error) {
    for (const directory of directories) directory.discard();
    throw error;
  }
  return worstExit(exits);
}

async function runJob(
  { scenario, plans }: Job,
  directory: ReportDirectory,
  args: Arguments,
): Promise<number> {
  const result = await simulate(scenario, plans);
  const rows = attribution(result);
  const warnings = await writeReport(directory, { result, rows, hasCharts: isOn(args, 'charts') });
  directory.commit();
  const format = textOf(args, 'format') as ComparisonFormat;
  process.stdout.write(formatComparison(compareStrategies(result, rows), format, tableOptions(args)));
  for (const warning of warnings) say(warning);
  sayAlarms(result, rows);
  say(`${scenario.id}: wrote ${directory.fileCount} files to ${directory.name}`);
  return resultExit(result);
}

/** One directory per scenario: all are known to be writable before the first scenario runs. */
function openDirectories(jobs: readonly Job[], out: string | undefined): ReportDirectory[] {
  const opened: ReportDirectory[] = [];
  try {
    for (const { scenario } of jobs) {
      const name =
        out === undefined ? join('reports', scenario.id) : jobs.length === 1 ? out : join(out, scenario.id);
      opened.push(new ReportDirectory(name));
    }
  } catch (error) {
    for (const directory of opened) directory.discard();
    throw error;
  }
  return opened;
}
