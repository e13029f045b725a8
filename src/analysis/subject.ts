import type { ProcessTruth, RunResult } from '../result/types.ts';
import { privateKb, truthKb } from './truth.ts';

/** Whom and when tables and pictures speak of: one process at one moment, the same in every world. */
export interface Subject {
  /** Position in each strategy's list of snapshots. */
  index: number;
  /** Label of that snapshot. */
  snapshot: string;
  step: number;
  /** The worker with the most private guest memory then. */
  worker: string;
  /** Its cgroup. */
  cgroup: string;
}

/**
 * The last moment at which any world holds private guest memory (a script may end with everything gone, which would make
 * an empty picture), and the worker that holds most of it there. Without any private memory: the last snapshot and its
 * largest process. Null when no process was ever seen.
 */
export function mainSubject(result: RunResult): Subject | null {
  return largest(result, privateKb) ?? largest(result, truthKb) ?? largest(result, () => 1);
}

function largest(result: RunResult, sizeKb: (process: ProcessTruth) => number): Subject | null {
  const count = Math.max(0, ...result.strategies.map((strategy) => strategy.snapshots.length));
  for (let index = count - 1; index >= 0; index--) {
    let best: Subject | null = null;
    let bestKb = 0;
    for (const strategy of result.strategies) {
      const snapshot = strategy.snapshots[index];
      for (const process of snapshot?.truth.processes ?? []) {
        if (!snapshot || sizeKb(process) <= bestKb) continue;
        bestKb = sizeKb(process);
        const { label, step } = snapshot;
        best = { index, snapshot: label, step, worker: process.worker, cgroup: process.cgroup };
      }
    }
    if (best) return best;
  }
  return null;
}
