import type { AttributionRow } from '../analysis/types.ts';
import type { FieldLabel, ProcessTruth, RunResult, Snapshot, StrategyRun } from '../result/types.ts';

/** Whom and when the pictures speak of: one process at one moment, the same in every world. */
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

const sum = (pages: readonly number[]): number => pages.reduce((total, part) => total + part, 0);

/** All memory that really lives because of a process, kB. */
export const truthKb = (process: ProcessTruth): number => sum(process.nodePages) * 4;

/** Private guest memory that really serves a process' VMs, kB. */
export const privateKb = (process: ProcessTruth): number => sum(process.privateNodePages) * 4;

/**
 * The last moment at which any world holds private guest memory (a script may end with everything gone, which would make
 * an empty picture), and the worker that holds most of it there. Without any private memory: the last snapshot and its
 * largest process. Null when no process was ever seen.
 */
export function chartSubject(result: RunResult): Subject | null {
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

/** What really lives because of a worker at a snapshot; undefined when it is gone. */
export function processTruth(snapshot: Snapshot | undefined, worker: string): ProcessTruth | undefined {
  return snapshot?.truth.processes.find((process) => process.worker === worker);
}

/** One interface's answer about the subject: sums over subjects and nodes. */
export interface Answer {
  truthKb: number;
  reportedKb: number | null;
  errorKb: number | null;
  /** Memory that the interface puts on another node than the one that holds it, beyond what it misses or adds in total. kB. */
  misplacedKb: number;
  /** By node id; empty when the interface doesn't split by node. */
  nodes: { node: number; truthKb: number; reportedKb: number | null }[];
}

/** What an interface says in one world at one snapshot about the subject. */
export type AnswerOf = (
  strategy: string,
  snapshot: Pick<Snapshot, 'label' | 'step'>,
  interfaceId: string,
  subject: Subject,
) => Answer | null;

/**
 * Sorts rows once, to be asked many times what an interface says about the subject: the process, its cgroup, or
 * (interfaces of the machine) all nodes together. Null when there is no such row.
 */
export function answersOf(rows: readonly AttributionRow[]): AnswerOf {
  const byKey = new Map<string, AttributionRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.strategy, row.snapshot, row.step, row.interface]);
    const found = byKey.get(key);
    if (found) found.push(row);
    else byKey.set(key, [row]);
  }
  return (strategy, { label, step }, interfaceId, subject) =>
    summary(byKey.get(JSON.stringify([strategy, label, step, interfaceId])) ?? [], subject);
}

function summary(all: readonly AttributionRow[], subject: Subject): Answer | null {
  const own = all.filter((row) => row.subject === subject.worker || row.subject === subject.cgroup);
  const used = own.length > 0 ? own : all.filter((row) => /^node\d+$/.test(row.subject));
  const totals = used.filter((row) => row.node === null);
  const nodes = used
    .filter((row): row is AttributionRow & { node: number } => row.node !== null)
    .map(({ node, truthKb, reportedKb }) => ({ node, truthKb, reportedKb }))
    .sort((a, b) => a.node - b.node);
  const counted = totals.length > 0 ? totals : nodes;
  if (counted.length === 0) return null;
  const truth = counted.reduce((total, row) => total + row.truthKb, 0);
  const silent = counted.every((row) => row.reportedKb === null);
  const reported = silent ? null : counted.reduce((total, row) => total + (row.reportedKb ?? 0), 0);
  const error = reported === null ? null : reported - truth;
  const off = nodes.reduce((total, row) => total + Math.abs((row.reportedKb ?? 0) - row.truthKb), 0);
  const misplacedKb = error === null || nodes.length === 0 ? 0 : Math.max(0, off - Math.abs(error)) / 2;
  return { truthKb: truth, reportedKb: reported, errorKb: error, misplacedKb, nodes };
}

/** How far a strategy's numbers can be trusted, in words for readers who see only the picture. */
export const LABEL_WORDS: Readonly<Record<FieldLabel, string>> = {
  verified: 'verified: checked against captures of a real kernel',
  derived: 'derived: follows from verified rules',
  hypothetical: 'hypothetical: a design that this kernel does not have',
};

/** One subtitle line that explains the labels which occur. */
export function labelLine(strategies: readonly StrategyRun[]): string {
  const labels = (['verified', 'derived', 'hypothetical'] as const).filter((label) =>
    strategies.some((strategy) => strategy.label === label),
  );
  return labels.map((label) => LABEL_WORDS[label]).join('; ');
}

/**
 * A strategy's name for headers and axes: lines of at most `width` characters, broken before `+` and `{` and after commas where a composed
 * name is long, then its label. Lines are joined by newlines, which the pictures split again.
 */
export function strategyWords(strategy: StrategyRun, width = 26): string {
  const lines: string[] = [];
  for (const piece of strategy.name.split(/(?=[+{])|(?<=,)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + piece.length <= width) lines[lines.length - 1] = last + piece;
    else lines.push(piece);
  }
  const stopped = strategy.error ? `, stopped at step ${strategy.error.step}` : '';
  return [...lines, `(${strategy.label}${stopped})`].join('\n');
}
