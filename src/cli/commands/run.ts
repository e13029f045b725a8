import { join } from 'node:path';
import { attribution } from '../../analysis/attribution.ts';
import { compareStrategies } from '../../report/comparison.ts';
import { worstExit } from '../exit-codes.ts';
import { loadJobs, type Job } from '../load-jobs.ts';
import { ComparisonPrinter } from '../print-comparison.ts';
import { say } from '../progress.ts';
import { ReportDirectory } from '../report-directory.ts';
import { dirName } from '../report-paths.ts';
import { resultExit, sayAlarms, sayExpectations } from '../result-verdict.ts';
import { simulate } from '../simulate.ts';
import { isOn, textOf, type Arguments } from '../verb.ts';
import { writeReport } from '../write-report.ts';

/** `gmemlab run`: nothing is written unless every scenario, strategy and directory is sound. */
export async function runCommand(args: Arguments): Promise<number> {
  const { jobs } = await loadJobs(args);
  const directories = openDirectories(jobs, textOf(args, 'out'));
  const printer = new ComparisonPrinter(args);
  const exits: number[] = [];
  try {
    for (const [at, job] of jobs.entries()) {
      exits.push(
        await runJob(job, { directory: directories[at]!, printer, hasCharts: isOn(args, 'charts') }),
      );
    }
  } catch (error) {
    for (const directory of directories.reverse()) directory.discard();
    throw error;
  }
  return worstExit(exits);
}

async function runJob(
  { scenario, plans }: Job,
  {
    directory,
    printer,
    hasCharts,
  }: { directory: ReportDirectory; printer: ComparisonPrinter; hasCharts: boolean },
): Promise<number> {
  const result = await simulate(scenario, plans);
  const rows = attribution(result);
  const warnings = await writeReport(directory, { result, rows, hasCharts });
  directory.commit();
  printer.print(compareStrategies(result, rows));
  for (const warning of warnings) say(warning);
  sayAlarms(result, rows);
  sayExpectations(scenario, result);
  say(`${scenario.id}: wrote ${directory.fileCount} files to ${directory.name}`);
  return resultExit(result);
}

/** One directory per scenario: all are known to be writable before the first scenario runs. */
function openDirectories(jobs: readonly Job[], out: string | undefined): ReportDirectory[] {
  const opened: ReportDirectory[] = [];
  try {
    for (const { scenario } of jobs) {
      const isOnly = out !== undefined && jobs.length === 1;
      const name = isOnly ? out : join(out ?? 'reports', dirName(scenario.id));
      opened.push(new ReportDirectory(name));
    }
  } catch (error) {
    for (const directory of opened.reverse()) directory.discard();
    throw error;
  }
  return opened;
}
