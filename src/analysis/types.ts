import type { FieldClass, FieldLabel } from '../result/types.ts';

/** One interface that people or the kernel read memory usage from. */
export interface InterfaceMeta {
  /** Stable id, e.g. `rss`, `numa_maps`, `memory.stat-file`, `node-FilePages`, `oom_score`. */
  id: string;
  /** Words for tables and charts, e.g. `VmRSS (top RES)`. */
  title: string;
  /** Who it speaks about. */
  scope: 'process' | 'cgroup' | 'node';
  /** accounting: limits and kills depend on it; stat: people look at it. */
  fieldClass: FieldClass;
  /** Whether the interface splits its number by node. */
  perNode: boolean;
}

/** One interface's word about one process, cgroup or node at one snapshot, beside the truth. kB; a negative error is memory unseen. */
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
  errorKb: number | null;
  fieldClass: FieldClass;
  label: FieldLabel;
}
