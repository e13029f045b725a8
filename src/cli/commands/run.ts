import { join } from 'node:path';
import { worstExit } from '../exit-codes.ts';
import { loadJobs, type Job } from '../load-jobs.ts';
import type { MadeReport } from '../make-report.ts';
import { makeReports } from '../make-reports.ts';
import { ComparisonPrinter } from '../print-comparison.ts';
import { say, showProgress } from '../progress.ts';
import { ReportDirectory } from '../report-directory.ts';
import type { Drawing } from '../report-files.ts';
import { dirName } from '../report-paths.ts';
import { isOn, textOf, textsOf, type Arguments } from '../verb.ts';

/** `gmemlab run`: nothing is written unless every scenario, strategy and directory is sound. */
export async function runCommand(args: Arguments): Promise<number> {
  const { jobs } = await loadJobs(args);
  const directories = openDirectories(jobs, textOf(args, 'out'));
  const waiting = new Map<number, MadeReport>();
  const printer = new ComparisonPrinter(args);
  const exits: number[] = [];
  /** Prints what was made in the order of the command line: up to the first job that is still running. */
  const print = (): void => {
    for (let made = waiting.get(exits.length); made; made = waiting.get(exits.length)) {
      waiting.delete(exits.length);
      printer.print(made.comparison);
      for (const line of made.lines) say(line);
      const { fileCount, name } = directories[exits.length]!;
      say(`${jobs[exits.length]!.scenario.id}: wrote ${fileCount} files to ${name}`);
      exits.push(made.exit);
    }
  };
  try {
    await makeReports(jobs, {
      strategyFiles: textsOf(args, 'strategy-file'),
      draw: drawing(args, jobs.length),
      onMade: async (made, index) => {
        const directory = directories[index]!;
        for (const [paths, content] of made.files) directory.write(paths, content);
        await directory.commit();
        waiting.set(index, { ...made, files: [] });
        print();
        if (exits.length < jobs.length) showProgress(`${exits.length} of ${jobs.length} scenarios`);
      },
    });
  } catch (error) {
    for (const directory of directories.reverse()) directory.discard();
    throw error;
  }
  return worstExit(exits);
}

/** PNGs are for slides, and slow: unless asked for, only a single scenario has them. */
function drawing(args: Arguments, count: number): Drawing {
  if (!isOn(args, 'charts')) return 'nothing';
  const hasPng = args['png'] === undefined ? count === 1 : isOn(args, 'png');
  return hasPng ? 'svg-png' : 'svg';
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
