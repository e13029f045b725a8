import { parseVmstat } from '../procfs/vmstat.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import type { SnapshotFiles } from './capture.ts';
import type { NoiseClass } from './noise.ts';

/** Pages of the huge pages that were put together since boot (thp_collapse_alloc of vmstat). */
export function collapsedPages(files: SnapshotFiles): number {
  return (parseVmstat(files.get('sys/vmstat') ?? '').get('thp_collapse_alloc') ?? 0) * PAGES_PER_PMD;
}

const MAPPED =
  /^(Rss|Pss(_\w+)?|(Shared|Private)_(Clean|Dirty)|Referenced|Anonymous|AnonHugePages|ShmemPmdMapped)$/;
const NODE =
  /^(MemFree|MemUsed|FilePages|Shmem|Mapped|AnonPages|PageTables|(In)?[Aa]ctive(\(anon\))?|AnonHugePages|ShmemHugePages|ShmemPmdMapped)$/;
const CHARGED = /^(anon|file|shmem|file_mapped|anon_thp|shmem_thp|(in)?active_anon|pagetables)$/;

/** What move_pages says of pages: how many are where, or nowhere. */
export const WHERE: RegExp = /^message (N\d+|ENOENT)$/;

/** khugepaged looks at address spaces every ten seconds, and at which moment it comes by is nobody's doing. */
export const KHUGEPAGED_NOISE: NoiseClass = {
  id: 'khugepaged',
  title: 'Huge pages put together in the background',
  bound:
    '2 MiB for each huge page that vmstat says was put together and no step asked for; exact while there is none',
  reason:
    'khugepaged replaces the pages of a block by a huge page, filling its holes, some seconds after they were touched, or taking its entries away; the model has none, as if it slept',
  fields: [
    { fieldClass: 'smaps', names: MAPPED },
    { fieldClass: 'smaps_rollup', names: MAPPED },
    { fieldClass: 'status', names: /^(VmRSS|VmHWM|Rss(Anon|File|Shmem)|VmPTE)$/ },
    { fieldClass: 'statm', names: /^(resident|shared)$/ },
    { fieldClass: 'numa_maps', names: /^(pages|anon|dirty|mapped|active|N\d+)$/ },
    {
      fieldClass: 'meminfo',
      names:
        /^(MemFree|MemAvailable|Cached|Shmem|Mapped|AnonPages|PageTables|(In)?[Aa]ctive(\(anon\))?|Committed_AS|AnonHugePages|ShmemHugePages|ShmemPmdMapped)$/,
    },
    { fieldClass: 'node meminfo', names: NODE },
    { fieldClass: 'memory.current', names: /^/ },
    { fieldClass: 'memory.peak', names: /^/ },
    { fieldClass: 'memory.stat', names: CHARGED },
    { fieldClass: 'memory.stat', names: /^thp_collapse_alloc$/, perPage: 1 },
    { fieldClass: 'memory.numa_stat', names: CHARGED },
    { fieldClass: 'numastat', names: /^(Private|Private in total|Total)$/ },
    { fieldClass: 'numastat', names: NODE },
    { fieldClass: 'node numastat', names: /^(numa_hit|numa_miss|numa_foreign|local_node|other_node)$/ },
    { fieldClass: 'step results', names: WHERE },
  ],
  pages: ({ collapsed }) => collapsed,
};
