import { readingLabel } from '../result/trust.ts';
import type { RunResult, Snapshot, StrategyRun } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { INTERFACES } from './interfaces.ts';
import { weakestLabel } from './labels.ts';
import { sum } from './node-lists.ts';
import type { AttributionRow, KernelInterface, Reported } from './types.ts';

/**
 * What every interface says about everybody at every snapshot, beside the truth; ordered by strategy, snapshot, interface,
 * subject, then total before nodes. A row's label is the weaker one of its world's (worldLabel) and its interface's (readingLabel).
 */
export function attribution(result: RunResult): AttributionRow[] {
  const nids = result.machine.nodes.map((node) => node.nid);
  return result.strategies.flatMap((run) =>
    run.snapshots.flatMap((snapshot) =>
      INTERFACES.flatMap((one) =>
        subjects(one, snapshot, nids).flatMap((subject) => subjectRows(run, snapshot, one, subject, nids)),
      ),
    ),
  );
}

/** Whom an interface can speak about: those that the facts show, and those that only the record knows. */
function subjects({ scope }: KernelInterface, { facts, truth }: Snapshot, nids: readonly number[]): string[] {
  switch (scope) {
    case 'process':
      return unique([truth.processes, facts.processes].flat().map(({ worker }) => worker));
    case 'cgroup':
      return unique([...facts.cgroups.map(({ path }) => path), ...truth.processes.map((one) => one.cgroup)]);
    case 'node':
      return nids.map((nid) => `node${nid}`);
  }
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];

function subjectRows(
  run: StrategyRun,
  snapshot: Snapshot,
  one: KernelInterface,
  subject: string,
  nids: readonly number[],
): AttributionRow[] {
  const truth = one.truth(snapshot.truth, subject);
  const label = weakestLabel(run.label, readingLabel(snapshot.facts.kernel, one.sources));
  const reported = report(run, snapshot, one, subject);
  const row = (node: number | null, truthPages: number, reportedKb: number | null): AttributionRow => ({
    strategy: run.name,
    snapshot: snapshot.label,
    step: snapshot.step,
    interface: one.id,
    subject,
    node,
    truthKb: pagesToKb(truthPages),
    reportedKb,
    errorKb: reportedKb === null || !one.countsMemory ? null : reportedKb - pagesToKb(truthPages),
    fieldClass: one.fieldClass,
    label,
  });
  const total = row(null, sum(truth), reported?.totalKb ?? null);
  if (one.scope === 'node') return [{ ...total, node: Number(subject.slice('node'.length)) }];
  const split = one.perNode ? reported?.nodesKb : undefined;
  return [total, ...(split ? nids.map((nid) => row(nid, truth[nid] ?? 0, split[nid] ?? 0)) : [])];
}

/** A text of a design that can't be read is the design's fault; the message says whose and where. */
function report(
  run: StrategyRun,
  snapshot: Snapshot,
  one: KernelInterface,
  subject: string,
): Reported | null {
  try {
    return one.report(snapshot.facts, subject);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`strategy ${run.name}, snapshot ${snapshot.label}: ${one.id}: ${what}`, { cause });
  }
}
