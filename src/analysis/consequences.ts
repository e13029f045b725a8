import type { ProcessFacts, SnapshotFacts } from '../procfs/facts.ts';
import type { Snapshot, TruthFacts } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { sum } from './node-lists.ts';
import { cgroupHoldings, cgroupPages, isInCgroup, truthKb } from './truth.ts';

/** What the numbers of one world lead to at one snapshot. */
export interface Consequences {
  /** Worker that the OOM killer would take now if the machine ran out; null when nobody can be taken or badness is unknown. */
  oomVictim: string | null;
  /** Worker that uses the most memory by the record; null when nobody uses any. */
  largest: string | null;
  /** Memory of the worker that its wanted policy would put elsewhere, kB; null when no wish was stated. */
  offPolicyKb: number | null;
  /** Memory that serves workers of the cgroup and is charged outside of it, kB. */
  chargedElsewhereKb: number;
  /** Memory charged to the cgroup that serves nobody in it, kB. */
  chargedForOthersKb: number;
  /** How far the memory that serves the cgroup's workers exceeds its memory.max, kB; null without a limit. */
  pastLimitKb: number | null;
}

/** Consequences for a worker and its cgroup. */
export function consequences(
  { facts, truth }: Pick<Snapshot, 'facts' | 'truth'>,
  { worker, cgroup }: { worker: string; cgroup: string },
): Consequences {
  const own = new Set(cgroupHoldings(truth, cgroup));
  const charged = truth.holdings.flatMap((holding) =>
    Object.entries(holding.chargedPages).map(([path, pages]) => ({
      pages,
      serves: own.has(holding),
      pays: isInCgroup(path, cgroup),
    })),
  );
  const chargedKb = (serves: boolean, pays: boolean): number =>
    pagesToKb(
      sum(charged.filter((one) => one.serves === serves && one.pays === pays).map((one) => one.pages)),
    );
  const maxBytes = facts.cgroups.find(({ path }) => path === cgroup)?.maxBytes ?? null;
  const usedKb = pagesToKb(sum(cgroupPages(truth, cgroup, { kernel: true })));
  return {
    oomVictim: oomVictim(facts),
    largest: largestUser(truth),
    offPolicyKb: offPolicyKb(truth, worker),
    chargedElsewhereKb: chargedKb(true, false),
    chargedForOthersKb: chargedKb(false, true),
    pastLimitKb: maxBytes === null ? null : Math.max(0, usedKb - Math.floor(maxBytes / 1024)),
  };
}

/**
 * mm/oom_kill.c:select_bad_process of a global OOM: the largest badness, oom_score_adj included; of equals the one that
 * comes last. init and processes with oom_score_adj -1000 are never taken.
 */
export function oomVictim({ processes, nodes, system }: SnapshotFacts): string | null {
  const totalPages = sum(nodes.map((node) => node.totalPages)) + (system.meminfoPages['SwapTotal'] ?? 0);
  let victim: ProcessFacts | null = null;
  let worst = -Infinity;
  for (const process of processes) {
    if (process.pid === 1 || process.oomScoreAdj === -1000) continue;
    if (process.oomBadnessPages === undefined) return null;
    const points = process.oomBadnessPages + process.oomScoreAdj * Math.trunc(totalPages / 1000);
    if (points < worst) continue;
    worst = points;
    victim = process;
  }
  return victim?.worker ?? null;
}

/** The worker that uses the most memory by the record; null when nobody uses any. */
export function largestUser({ processes }: TruthFacts): string | null {
  let best: string | null = null;
  let bestKb = 0;
  for (const process of processes) {
    if (truthKb(process) <= bestKb) continue;
    bestKb = truthKb(process);
    best = process.worker;
  }
  return best;
}

/** Memory of a worker that its wanted policy would put elsewhere, kB; null when no wish was stated for any of it. */
export function offPolicyKb({ holdings }: TruthFacts, worker: string): number | null {
  const pages = holdings
    .filter(({ user }) => user === worker)
    .map((holding) => holding.offPolicyPages)
    .filter((count) => count !== null);
  return pages.length === 0 ? null : pagesToKb(sum(pages));
}
