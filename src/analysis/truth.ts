import type { Holding, ProcessTruth, Snapshot, TruthFacts } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { addNodes, sum } from './node-lists.ts';

/** All memory that really lives because of a process, kB. */
export const truthKb = (process: ProcessTruth): number => pagesToKb(sum(process.nodePages));

/** Private guest memory that really serves a process' VMs, kB. */
export const privateKb = (process: ProcessTruth): number => pagesToKb(sum(process.privateNodePages));

/** What really lives because of a worker at a snapshot; undefined when it is gone. */
export function processTruth(
  snapshot: Pick<Snapshot, 'truth'> | undefined,
  worker: string,
): ProcessTruth | undefined {
  return snapshot?.truth.processes.find((process) => process.worker === worker);
}

/** Whether a cgroup is another one or lies below it. A dying cgroup (`path (deleted)`) lies only below the root. */
export function isInCgroup(path: string, ancestor: string): boolean {
  return ancestor === '/' || path === ancestor || path.startsWith(`${ancestor}/`);
}

/** Holdings that serve workers of a cgroup or of those below it; the root has all of them, also those that serve nobody. */
export function cgroupHoldings(truth: TruthFacts, path: string): Holding[] {
  if (path === '/') return truth.holdings;
  const workers = new Set(
    truth.processes.filter(({ cgroup }) => isInCgroup(cgroup, path)).map(({ worker }) => worker),
  );
  return truth.holdings.filter(({ user }) => user !== null && workers.has(user));
}

/**
 * What a cgroup ought to pay for: the memory that serves its workers, whoever was charged, pages per node. Kernel memory is
 * part of it only where the asking interface counts kernel memory.
 */
export function cgroupPages(truth: TruthFacts, path: string, { kernel }: { kernel: boolean }): number[] {
  const holdings = cgroupHoldings(truth, path).filter((holding) => kernel || holding.kind !== 'kernel');
  return addNodes(holdings.map((holding) => holding.nodePages));
}

/** Memory of some kinds on all nodes, whoever it serves, pages per node. */
export function kindPages(truth: TruthFacts, kinds: readonly Holding['kind'][]): number[] {
  return addNodes(
    truth.holdings.filter(({ kind }) => kinds.includes(kind)).map((holding) => holding.nodePages),
  );
}
