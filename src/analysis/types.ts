import type { FieldClass, FieldLabel, TruthFacts } from '../result/types.ts';
import type { SnapshotFacts } from '../procfs/facts.ts';

/** One interface that people or the kernel read memory usage from. */
export interface InterfaceMeta {
  /** Stable id, e.g. `rss`, `numa_maps`, `memory.stat-total`, `node-FilePages`, `oom-badness`. */
  id: string;
  /** Words for tables and charts, e.g. `VmRSS (top RES)`. */
  title: string;
  /** Who it speaks about. */
  scope: 'process' | 'cgroup' | 'node';
  /** accounting: limits and kills depend on it; stat: people look at it. */
  fieldClass: FieldClass;
  /** Whether the interface splits its number by node. */
  perNode: boolean;
  /** Fields of the kernel's files that it is read from, as conformance counts them; see readingLabel. */
  sources: readonly string[] | null;
  /** false: it measures something else than memory in use (VmSize: address space), so that it has no error. */
  countsMemory: boolean;
}

/** What an interface says: whole kB, cut off as the kernel's own kB fields are. */
export interface Reported {
  totalKb: number;
  /** By node id; null when there is no split. */
  nodesKb: readonly number[] | null;
}

/** An interface with its reader. It sees facts and a subject, never which design produced them. */
export interface KernelInterface extends InterfaceMeta {
  /** What it says about a subject (worker name, cgroup path, `node<N>`); null when it has nothing to say. */
  report(facts: SnapshotFacts, subject: string): Reported | null;
  /** What it ought to count, by the record: pages per node id. */
  truth(truth: TruthFacts, subject: string): readonly number[];
}

/**
 * One interface's word about one process, cgroup or node at one snapshot, beside the truth. Whole kB; a negative error is
 * memory unseen. Interfaces that split by node have a row per node beside the total; node interfaces have only those.
 */
export interface AttributionRow {
  strategy: string;
  snapshot: string;
  /** Step after which the snapshot was taken. */
  step: number;
  interface: string;
  /** Worker name, cgroup path, or `node<N>`. */
  subject: string;
  /** Node id, or null for the total. */
  node: number | null;
  truthKb: number;
  /** null: the interface has nothing to say about this (no such process any more). */
  reportedKb: number | null;
  /** null: nothing is reported, or the interface measures something else than memory in use. */
  errorKb: number | null;
  fieldClass: FieldClass;
  label: FieldLabel;
}
