import type { FieldClass, FieldLabel, Snapshot } from '../result/types.ts';
import { INTERFACES } from './interfaces.ts';
import { sum } from './node-lists.ts';
import type { Subject } from './subject.ts';
import type { AttributionRow } from './types.ts';

/** One interface's answer about the subject: sums over subjects and nodes. */
export interface Answer {
  truthKb: number;
  reportedKb: number | null;
  /** Reported minus true; null as in the rows. */
  errorKb: number | null;
  /** Memory that the interface puts on another node than the one that holds it, beyond what it misses or adds in total. kB. */
  misplacedKb: number;
  /** By node id; empty when the interface doesn't split by node. */
  nodes: { node: number; truthKb: number; reportedKb: number | null }[];
  fieldClass: FieldClass;
  label: FieldLabel;
}

/** What an interface says in one world at one snapshot about the subject. */
export type AnswerOf = (
  strategy: string,
  snapshot: Pick<Snapshot, 'label' | 'step'>,
  interfaceId: string,
  subject: Pick<Subject, 'worker' | 'cgroup'>,
) => Answer | null;

/**
 * Sorts rows once, to be asked many times what an interface says about the subject: the process, its cgroup, or
 * (interfaces of the machine) all nodes together. Null when there is no such row.
 */
export function answersOf(rows: readonly AttributionRow[]): AnswerOf {
  const byKey = new Map<string, AttributionRow[]>();
  for (const row of rows) {
    const key = keyOf(row.strategy, row.snapshot, row.step, row.interface);
    const found = byKey.get(key);
    if (found) found.push(row);
    else byKey.set(key, [row]);
  }
  return (strategy, { label, step }, interfaceId, subject) => {
    const found = byKey.get(keyOf(strategy, label, step, interfaceId)) ?? [];
    const scope = INTERFACES.find(({ id }) => id === interfaceId)?.scope;
    if (scope === 'node') return summary(found);
    const name = scope === 'cgroup' ? subject.cgroup : subject.worker;
    return summary(found.filter((row) => row.subject === name));
  };
}

/** No name holds a line break. */
const keyOf = (strategy: string, snapshot: string, step: number, interfaceId: string): string =>
  `${strategy}\n${snapshot}\n${step}\n${interfaceId}`;

function summary(rows: readonly AttributionRow[]): Answer | null {
  const totals = rows.filter((row) => row.node === null);
  const nodes = rows
    .filter((row): row is AttributionRow & { node: number } => row.node !== null)
    .map(({ node, truthKb, reportedKb }) => ({ node, truthKb, reportedKb }))
    .sort((a, b) => a.node - b.node);
  const counted = totals.length > 0 ? totals : rows;
  const first = counted[0];
  if (!first) return null;
  const truthKb = sum(counted.map((row) => row.truthKb));
  const isSilent = counted.every((row) => row.reportedKb === null);
  const reportedKb = isSilent ? null : sum(counted.map((row) => row.reportedKb ?? 0));
  const isJudged = counted.some((row) => row.errorKb !== null);
  const errorKb = reportedKb === null || !isJudged ? null : reportedKb - truthKb;
  const off = sum(nodes.map((row) => Math.abs((row.reportedKb ?? 0) - row.truthKb)));
  const misplacedKb = errorKb === null || nodes.length === 0 ? 0 : Math.max(0, off - Math.abs(errorKb)) / 2;
  const { fieldClass, label } = first;
  return { truthKb, reportedKb, errorKb, misplacedKb, nodes, fieldClass, label };
}
