import type { ProcessFacts, VmaFacts } from '../procfs/facts.ts';
import type { Holding, Snapshot, StrategyRun } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { INTERFACES } from './interfaces.ts';
import { sum } from './node-lists.ts';
import type { Evidence, Figure, Judgement } from './requirement-types.ts';
import type { Reported } from './types.ts';

/** A difference below this share of the whole is no news: page tables, per-CPU batches. */
const NEWS = 0.01;

/** Whether two sizes agree to within 1% of the second. */
export const agrees = (kb: number, truthKb: number): boolean => Math.abs(kb - truthKb) <= NEWS * truthKb;

/** How a requirement fares at one place of the run. */
export interface Observation {
  mark: 'yes' | 'partly' | 'no';
  figure: Figure;
  evidence: Evidence;
  /** How bad it is, for the choice of the place that is shown; default 0. */
  gap?: number;
}

const RANK = { no: 2, partly: 1, yes: 0 } as const;

/** A verdict over all places: met or not met where all say so, else partly; not tried without any. The worst place is shown. */
export function verdictOver(seen: readonly Observation[]): Judgement {
  let worst: Observation | undefined;
  for (const one of seen) {
    const order = worst && (RANK[one.mark] - RANK[worst.mark] || (one.gap ?? 0) - (worst.gap ?? 0));
    // Of equals the last one, where most has happened.
    if (order === undefined || order >= 0) worst = one;
  }
  if (!worst) return { verdict: 'not tried', figure: null, evidence: null };
  const isAll = (mark: Observation['mark']): boolean => seen.every((one) => one.mark === mark);
  const verdict = isAll('yes') ? 'met' : isAll('no') ? 'not met' : 'partly';
  return { verdict, figure: worst.figure, evidence: worst.evidence };
}

/** Files of private guest memory that have pages. */
export const gmems = ({ truth }: Pick<Snapshot, 'truth'>): Holding[] =>
  truth.holdings.filter(({ kind, nodePages }) => kind === 'gmem' && sum(nodePages) > 0);

/** Snapshots at which there is private guest memory. */
export const moments = ({ snapshots }: Pick<StrategyRun, 'snapshots'>): Snapshot[] =>
  snapshots.filter((snapshot) => gmems(snapshot).length > 0);

/** All private guest memory of a snapshot, kB. */
export const privateTotalKb = (snapshot: Snapshot): number =>
  pagesToKb(sum(gmems(snapshot).map(({ nodePages }) => sum(nodePages))));

/** Mappings of private memory in a process. */
export const privateVmas = ({ vmas }: ProcessFacts): VmaFacts[] =>
  vmas.filter(({ name }) => name.includes('[kvm-gmem]'));

/** A snapshot as evidence. */
export function at({ steps }: Pick<StrategyRun, 'steps'>, { step, label }: Snapshot): Evidence {
  return { step, line: steps.find(({ n }) => n === step)?.line ?? 0, snapshot: label };
}

/** What an interface says of a subject. */
export function said(interfaceId: string, { facts }: Snapshot, subject: string): Reported | null {
  return INTERFACES.find(({ id }) => id === interfaceId)?.report(facts, subject) ?? null;
}

export const kb = (value: number, of: number | null, words: string): Figure => ({
  value,
  of,
  unit: 'kB',
  words,
});
