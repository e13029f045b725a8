import { statusKb } from '../procfs/status.ts';
import type { NoiseClass } from './noise.ts';
import type { ProcessReading } from './process-reading.ts';

/** Pages of each of the three RSS counters that a CPU may hold back from the fast sum. */
const BATCH = 32;
const COUNTERS = 3;

/** A machine as far as a score goes. */
export interface ScoreScale {
  /** Pages of memory and swap. */
  totalPages: number;
  cpus: number;
  /** The score is taken from the exact sum of the counters (7.3). */
  isExact: boolean;
}

/**
 * By how much a score of the kernel may differ from the model's for the pages that both sides print: what the worker program itself has, and
 * how far other classes let them differ, is judged there. Zero where the same pages make the same score.
 */
export function scoreSpan(
  kernel: ProcessReading,
  model: ProcessReading,
  { totalPages, cpus, isExact }: ScoreScale,
): number {
  const [here, there] = [badnessPages(kernel), badnessPages(model)];
  if (here === null || there === null) return 0;
  const slack = isExact ? 0 : BATCH * COUNTERS * cpus;
  const adjusted = kernel.oomScoreAdj * Math.trunc(totalPages / 1000);
  // fs/proc/base.c:proc_oom_score.
  const score = (pages: number): number =>
    Math.trunc(((1000 + Math.trunc(((pages + adjusted) * 1000) / totalPages)) * 2) / 3);
  return Math.max(...[-slack, 0, slack].map((off) => Math.abs(score(here + off) - score(there))));
}

function badnessPages({ status }: ProcessReading): number | null {
  const kb = ['VmRSS', 'VmSwap', 'VmPTE'].map((name) => statusKb(status, name));
  return kb.reduce<number | null>(
    (sum, one) => (sum === null || one === undefined ? null : sum + one / 4),
    0,
  );
}

export const SCORE_NOISE: NoiseClass = {
  id: 'score-of-pages',
  title: 'oom_score by the pages of a process',
  bound:
    'the difference that the formula makes of the RSS, swap and page tables that both sides print; before 7.3 with 96 pages for each CPU more or less',
  reason:
    'the program has pages of its own and reclaim takes a few more or less, which the lines of status allow for; before 7.3 the score comes from the fast sum of the RSS counters, which leaves out what the CPUs hold back',
  fields: [{ fieldClass: 'oom_score', names: /^oom_score$/, perPage: 1 }],
  pages: ({ scoreSpan: span }) => span,
};
