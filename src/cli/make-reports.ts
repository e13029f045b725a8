import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type { Job } from './load-jobs.ts';
import { makeReport, type MadeReport } from './make-report.ts';
import type { Drawing } from './report-files.ts';
import type { ReportTask } from './report-worker.ts';

/** Options of `makeReports`. */
export interface MakeOptions {
  strategyFiles: string[];
  draw: Drawing;
  /** Takes what was made of a job as soon as it is there, in whatever order. */
  onMade: (made: MadeReport, index: number) => Promise<void>;
}

/**
 * Every thread compiles its own machine code. Made three times as late as V8 does by itself, it pays in the long simulations alone: all
 * scenarios take up to a tenth less time.
 */
const LATE_OPTIMISATION = '--interrupt-budget=400000';

/**
 * Makes the reports of all jobs, several at a time in threads when there are several; what they hold does not depend on it. The
 * longest are started first, so that none of them is left alone at the end. Rejects with the first error of any of them.
 */
export async function makeReports(jobs: readonly Job[], options: MakeOptions): Promise<void> {
  const { strategyFiles, draw, onMade } = options;
  const maxThreads = Math.min(jobs.length, availableParallelism());
  if (maxThreads < 2) {
    for (const [index, job] of jobs.entries()) await onMade(await makeReport(job, draw), index);
    return;
  }
  setFlagsFromString(LATE_OPTIMISATION);
  const { Piscina } = await import('piscina');
  const filename = import.meta.url.replace(/make-reports(?=\.\w+$)/, 'report-worker');
  const pool = new Piscina<ReportTask, MadeReport>({
    filename,
    minThreads: maxThreads,
    maxThreads,
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
  const tasks = jobs
    .map(({ scenario, plans }, index) => ({
      index,
      size: plans.length * scenario.steps.filter(({ verb }) => verb === 'snapshot').length,
      task: { scenario, strategies: plans.map(({ name }) => name), strategyFiles, draw },
    }))
    .sort((a, b) => b.size - a.size || a.index - b.index);
  try {
    await Promise.all(tasks.map(async ({ index, task }) => onMade(await pool.run(task), index)));
  } finally {
    await pool.destroy();
  }
}
