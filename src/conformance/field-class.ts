/** Kinds of text and result that are compared; reports count by these. */
export const FIELD_CLASSES = [
  'step results',
  'numa_maps',
  'maps',
  'smaps',
  'smaps_rollup',
  'status',
  'statm',
  'oom_score',
  'meminfo',
  'node meminfo',
  'node numastat',
  'memory.current',
  'memory.peak',
  'memory.swap.current',
  'memory.stat',
  'memory.numa_stat',
  'memory.events',
  'cgroup.procs',
  'numastat',
  'outcomes',
] as const;

/** One kind of compared field. */
export type FieldClassName = (typeof FIELD_CLASSES)[number];

/** In which unit the numbers of a class are printed: how many make a page. Counts have no pages: 0. */
export const UNITS_PER_PAGE: Readonly<Record<FieldClassName, number>> = {
  'step results': 0,
  numa_maps: 1,
  maps: 0,
  smaps: 4,
  smaps_rollup: 4,
  status: 4,
  statm: 1,
  oom_score: 0,
  meminfo: 4,
  'node meminfo': 4,
  'node numastat': 1,
  'memory.current': 4096,
  'memory.peak': 4096,
  'memory.swap.current': 4096,
  'memory.stat': 4096,
  'memory.numa_stat': 4096,
  'memory.events': 0,
  'cgroup.procs': 0,
  numastat: 1 / 256,
  // Each outcome has a unit of its own, in which its noise class states the bound.
  outcomes: 1,
};
