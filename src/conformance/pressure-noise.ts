import { PAGES_PER_PMD } from '../units/pages.ts';
import { parseMeminfo } from '../procfs/meminfo.ts';
import { parseVmstat } from '../procfs/vmstat.ts';
import { parseMemoryEvents } from '../procfs/memory-stat.ts';
import type { SnapshotFiles } from './capture.ts';
import type { NoiseClass } from './noise.ts';

/** What the kernel has gone through for lack of memory, as far as its snapshots tell. */
export interface Pressure {
  /** Pages that reclaim has freed since boot: every one is anonymous or of a file. */
  reclaimedPages: number;
  /** Pages in the swap cache, at this snapshot or one of the two before, which a change since the one before begins with: the largest. */
  swapCachedPages: number;
  /** Pages that kswapd has freed since boot. */
  kswapdPages: number;
  /** Pages that have gone to swap since boot, and huge folios, in one or after a split. */
  swappedPages: number;
  swappedHuge: number;
  /** Processes that the OOM killer has ended since the snapshot before, and since the first one. */
  kills: number;
  killsSoFar: number;
  /** Of these, groups that went as a whole. */
  groupKills: number;
  /** A step has set a memory.max since the snapshot before. */
  setsMax: boolean;
}

/** Pressure between two snapshots, given the first one of the scenario and the one before both. */
export function pressureOf(
  first: SnapshotFiles,
  earlier: SnapshotFiles | null,
  before: SnapshotFiles | null,
  now: SnapshotFiles,
  setsMax: boolean,
): Pressure {
  const since = (past: SnapshotFiles | null, read: (files: SnapshotFiles) => number): number =>
    Math.max(0, read(now) - (past ? read(past) : 0));
  const events = parseVmstat(now.get('sys/vmstat') ?? '');
  const sum = (...names: string[]): number => names.reduce((n, name) => n + (events.get(name) ?? 0), 0);
  return {
    reclaimedPages: sum('pgsteal_anon', 'pgsteal_file'),
    kswapdPages: sum('pgsteal_kswapd'),
    swappedPages: sum('pswpout', 'swpout_zero'),
    swappedHuge: sum('thp_swpout', 'thp_swpout_fallback'),
    swapCachedPages: Math.max(...[earlier, before, now].map((files) => (files ? swapCached(files) : 0))),
    kills: since(before, kills),
    killsSoFar: since(first, kills),
    groupKills: since(before, groupKills),
    setsMax,
  };
}

const swapCached = (files: SnapshotFiles): number =>
  (parseMeminfo(files.get('sys/meminfo') ?? '').get('SwapCached') ?? 0) / 4;

const kills = (files: SnapshotFiles): number =>
  parseVmstat(files.get('sys/vmstat') ?? '').get('oom_kill') ?? 0;

function groupKills(files: SnapshotFiles): number {
  let sum = 0;
  for (const [path, text] of files) {
    if (path.endsWith('/memory.events')) sum += parseMemoryEvents(text).get('oom_group_kill') ?? 0;
  }
  return sum;
}

/** Pages that write-back holds when reclaim has enough, and its share in pages that reclaim takes beyond what it was asked for. */
const IN_FLIGHT = 256;
const OVERSHOOT = 16;

const COUNTED_PAGES = /^(anon|file|shmem|file_mapped|swapcached|(in)?active_anon)$/;
const EVENTS = /^(workingset_(refault|activate|restore)_anon|pgsteal(_\w+)?|pswpin|pswpout|pglazyfreed)$/;
const SCANS = /^pgscan(_\w+)?$/;

const HUGE_SIZES =
  /^(Rss|Pss(_\w+)?|(Shared|Private)_(Clean|Dirty)|Referenced|Anonymous|Swap|SwapPss|AnonHugePages|ShmemPmdMapped)$/;
const HUGE_TOTALS =
  /^(SwapCached|SwapFree|Cached|FilePages|Shmem|Mapped|AnonPages|(In)?[Aa]ctive(\(anon\))?|MemFree|MemUsed|MemAvailable|Committed_AS|AnonHugePages|ShmemHugePages|ShmemPmdMapped)$/;
const HUGE_ITEMS = /^(anon|file|shmem|file_mapped|swapcached|anon_thp|shmem_thp|(in)?active_anon)$/;

/** Noise of a machine that runs short: what is a matter of timing there. */
export const PRESSURE_NOISE: readonly NoiseClass[] = [
  {
    id: 'reclaim-overshoot',
    title: 'What reclaim takes',
    bound:
      '256 pages, one in 16 of the pages that reclaim has freed, and those that the kernel has in its swap cache at this snapshot or one of the two before; once reclaim has freed any',
    reason:
      'reclaim goes on by batches of up to 64 pages of every list while write-back of earlier ones is under way: how many are in flight, gone from the page tables and not from memory, or taken beyond the target hangs on the speed of the disk, and which pages go on how often the lists were aged; read-ahead brings neighbours back',
    fields: [
      {
        fieldClass: 'smaps',
        names:
          /^(Rss|Pss(_\w+)?|(Shared|Private)_(Clean|Dirty)|Referenced|Anonymous|LazyFree|Swap|SwapPss|Locked)$/,
      },
      {
        fieldClass: 'smaps_rollup',
        names:
          /^(Rss|Pss(_\w+)?|(Shared|Private)_(Clean|Dirty)|Referenced|Anonymous|LazyFree|Swap|SwapPss|Locked)$/,
      },
      { fieldClass: 'status', names: /^(VmRSS|VmHWM|Rss(Anon|File|Shmem)|VmSwap)$/ },
      { fieldClass: 'statm', names: /^(resident|shared)$/ },
      { fieldClass: 'numa_maps', names: /^(pages|anon|dirty|mapped|swapcache|active|N\d+)$/ },
      {
        fieldClass: 'meminfo',
        names:
          /^(SwapCached|SwapFree|Cached|Buffers|Shmem|Mapped|AnonPages|(In)?[Aa]ctive(\(anon\))?|MemFree|MemAvailable|Committed_AS)$/,
      },
      {
        fieldClass: 'node meminfo',
        names: /^(SwapCached|FilePages|Shmem|Mapped|AnonPages|(In)?[Aa]ctive(\(anon\))?|MemFree|MemUsed)$/,
      },
      { fieldClass: 'node numastat', names: /^(numa_hit|numa_miss|numa_foreign|local_node|other_node)$/ },
      { fieldClass: 'memory.current', names: /^/ },
      { fieldClass: 'memory.peak', names: /^/ },
      { fieldClass: 'memory.swap.current', names: /^/ },
      { fieldClass: 'memory.stat', names: COUNTED_PAGES },
      { fieldClass: 'memory.stat', names: EVENTS, perPage: 1 },
      { fieldClass: 'memory.numa_stat', names: COUNTED_PAGES },
      { fieldClass: 'memory.numa_stat', names: EVENTS, perPage: 1 },
      { fieldClass: 'memory.events', names: /^max$/, perPage: 1 },
      {
        fieldClass: 'numastat',
        names: /^(Private|Private in total|Total|FilePages|Shmem|AnonPages|Mapped|MemFree|MemUsed)$/,
      },
      { fieldClass: 'numastat', names: /^(In)?[Aa]ctive(\(anon\))?$/ },
    ],
    pages: ({ pressure: { reclaimedPages, swapCachedPages } }) =>
      reclaimedPages === 0 ? 0 : IN_FLIGHT + Math.floor(reclaimedPages / OVERSHOOT) + swapCachedPages,
  },
  {
    id: 'huge-write-back',
    title: 'Huge pages on their way to swap',
    bound:
      '2 MiB for each huge page that vmstat says went to swap, as a whole or in parts; exact while there is none',
    reason:
      'reclaim frees a huge page when the disk has written it: it writes the next one meanwhile, or gives up, so that base pages take the place of a huge one that was asked for',
    fields: [
      { fieldClass: 'smaps', names: HUGE_SIZES },
      { fieldClass: 'smaps_rollup', names: HUGE_SIZES },
      { fieldClass: 'status', names: /^(VmRSS|VmHWM|Rss(Anon|File|Shmem)|VmSwap)$/ },
      { fieldClass: 'statm', names: /^(resident|shared)$/ },
      { fieldClass: 'numa_maps', names: /^(pages|anon|dirty|mapped|swapcache|active|N\d+)$/ },
      { fieldClass: 'meminfo', names: HUGE_TOTALS },
      { fieldClass: 'node meminfo', names: HUGE_TOTALS },
      { fieldClass: 'numastat', names: HUGE_TOTALS },
      { fieldClass: 'numastat', names: /^(Private|Private in total|Total)$/ },
      { fieldClass: 'memory.current', names: /^/ },
      { fieldClass: 'memory.peak', names: /^/ },
      { fieldClass: 'memory.swap.current', names: /^/ },
      { fieldClass: 'memory.stat', names: HUGE_ITEMS },
      { fieldClass: 'memory.numa_stat', names: HUGE_ITEMS },
      { fieldClass: 'memory.stat', names: EVENTS, perPage: 1 },
      { fieldClass: 'memory.numa_stat', names: EVENTS, perPage: 1 },
      {
        fieldClass: 'memory.stat',
        names: /^thp_(fault_alloc|swpout(_fallback)?)$/,
        perPage: 1 / PAGES_PER_PMD,
      },
      { fieldClass: 'node numastat', names: /^(numa_hit|numa_miss|numa_foreign|local_node|other_node)$/ },
    ],
    pages: ({ pressure: { swappedHuge } }) => swappedHuge * PAGES_PER_PMD,
  },
  {
    id: 'huge-scans',
    title: 'Looks at huge pages on their way to swap',
    bound: 'as many as 18 attempts to charge make at 12 priorities at each huge page that went to swap',
    reason: 'while the disk writes it, every attempt to reclaim meets a huge page again',
    fields: [
      { fieldClass: 'memory.stat', names: SCANS, perPage: 1 },
      { fieldClass: 'memory.numa_stat', names: SCANS, perPage: 1 },
      { fieldClass: 'memory.events', names: /^max$/, perPage: 1 / (12 * PAGES_PER_PMD) },
    ],
    pages: ({ pressure: { swappedHuge } }) => swappedHuge * 18 * 12 * PAGES_PER_PMD,
  },
  {
    id: 'huge-entries',
    title: 'Page tables where huge pages went to swap',
    bound: 'one page for each huge page that went to swap',
    reason: 'what comes back as base pages, or was given base pages meanwhile, has a page table of its own',
    fields: [
      { fieldClass: 'status', names: /^VmPTE$/ },
      { fieldClass: 'meminfo', names: /^PageTables$/ },
      { fieldClass: 'node meminfo', names: /^PageTables$/ },
      { fieldClass: 'numastat', names: /^PageTables$/ },
      { fieldClass: 'memory.stat', names: /^pagetables$/ },
      { fieldClass: 'memory.numa_stat', names: /^pagetables$/ },
    ],
    pages: ({ pressure: { swappedHuge } }) => swappedHuge,
  },
  {
    id: 'kswapd-nodes',
    title: 'Nodes of allocations while kswapd runs',
    bound: 'as many pages as kswapd has freed',
    reason:
      'every node has a kswapd of its own beside the allocating program: which node is above its watermark when the next page is needed is a race',
    fields: [
      {
        fieldClass: 'node numastat',
        names: /^(numa_hit|numa_miss|numa_foreign|local_node|other_node|interleave_hit)$/,
      },
      { fieldClass: 'numa_maps', names: /^N\d+$/ },
      { fieldClass: 'numastat', names: /^(Private|Total)$/ },
      {
        fieldClass: 'node meminfo',
        names:
          /^(MemFree|MemUsed|FilePages|Unevictable|Shmem|Mapped|AnonPages|PageTables|SwapCached|(In)?[Aa]ctive(\((anon|file)\))?)$/,
      },
      {
        fieldClass: 'memory.numa_stat',
        names: /^(anon|file|shmem|file_mapped|unevictable|pagetables|swapcached|(in)?active_(anon|file))$/,
      },
    ],
    pages: ({ pressure: { kswapdPages } }) => kswapdPages,
  },
  {
    id: 'lru-ages',
    title: 'Ages of pages',
    bound: 'as many pages as reclaim has freed',
    reason:
      'a list is aged when its oldest pages are used up: where a program goes on allocating under a limit, how many of its pages count as old at a moment hangs on when that was last; the same decides whether a page that comes back counts as activated, and how often a scan meets a page before it goes',
    fields: [
      { fieldClass: 'meminfo', names: /^(In)?[Aa]ctive(\((anon|file)\))?$/ },
      { fieldClass: 'node meminfo', names: /^(In)?[Aa]ctive(\((anon|file)\))?$/ },
      { fieldClass: 'memory.stat', names: /^(in)?active_(anon|file)$/ },
      { fieldClass: 'memory.stat', names: /^workingset_(activate|restore)_anon$/, perPage: 1 },
      { fieldClass: 'memory.stat', names: SCANS, perPage: 1 },
      { fieldClass: 'memory.numa_stat', names: SCANS, perPage: 1 },
      { fieldClass: 'memory.numa_stat', names: /^(in)?active_(anon|file)$/ },
      { fieldClass: 'memory.numa_stat', names: /^workingset_(activate|restore)_anon$/, perPage: 1 },
    ],
    pages: ({ pressure: { reclaimedPages } }) => reclaimedPages,
  },
  {
    id: 'accessed-bits',
    title: 'Accessed bits',
    bound: 'none, once reclaim has freed any page',
    reason: 'aging walks whole page tables and clears the bits of all pages, whichever reclaim then takes',
    fields: [
      { fieldClass: 'smaps', names: /^Referenced$/ },
      { fieldClass: 'smaps_rollup', names: /^Referenced$/ },
    ],
    pages: ({ pressure: { reclaimedPages } }) => (reclaimedPages === 0 ? 0 : 2 ** 40),
  },
  {
    id: 'swap-slot-lists',
    title: 'Swap slots that wait for reuse',
    bound: '64 pages per CPU, once any has gone to swap',
    reason: 'each CPU keeps a list of slots that are taken and not used yet, or free and not given back yet',
    fields: [
      { fieldClass: 'meminfo', names: /^SwapFree$/ },
      { fieldClass: 'memory.swap.current', names: /^/ },
    ],
    pages: ({ cpus, pressure: { swappedPages } }) => (swappedPages === 0 ? 0 : 64 * cpus),
  },
  {
    id: 'swap-tables',
    title: 'Tables of swap',
    bound: '64 pages, and one in 256 of the pages that reclaim has freed; once it has freed any',
    reason: 'swap keeps which slots are in use, and when their pages went out, in slab objects of its own',
    fields: [
      { fieldClass: 'meminfo', names: /^(Slab|KReclaimable|SReclaimable|SUnreclaim)$/ },
      { fieldClass: 'node meminfo', names: /^(Slab|KReclaimable|SReclaimable|SUnreclaim)$/ },
    ],
    pages: ({ pressure: { reclaimedPages } }) =>
      reclaimedPages === 0 ? 0 : 64 + Math.floor(reclaimedPages / 256),
  },
  {
    id: 'limit-hits',
    title: 'Attempts to charge above a limit',
    bound: '4, and 20 for every process that the OOM killer ended',
    reason:
      'each attempt counts: while a victim dies the charge is tried again, up to 17 times, and kernel objects are charged beside the pages',
    fields: [{ fieldClass: 'memory.events', names: /^max$/, perPage: 1 }],
    pages: ({ pressure: { killsSoFar, kills } }) => (killsSoFar === 0 ? 0 : 4 + 20 * kills),
  },
  {
    id: 'high-batches',
    title: 'Charges above memory.high for kernel memory',
    bound:
      '17 for every batch of 64 pages, or part of one, by which the kernel memory of the group differs between kernel and model',
    reason:
      'pages are charged in batches, and each batch above the limit is 1 attempt to reclaim, or 17 where nothing can be had; small objects of the kernel that no step explains make a batch come earlier',
    fields: [{ fieldClass: 'memory.events', names: /^high$/, perPage: 1 }],
    pages: ({ otherKernelPages }) => 17 * Math.ceil(otherKernelPages / 64),
  },
  {
    id: 'waiting-for-victims',
    title: 'Calls of the OOM killer while a victim dies',
    bound:
      'as many as fit into the time until the victim is gone, when memory.max is set below what is in use',
    reason:
      'the writer asks again and again without a pause, 40 times on one kernel and 2000 times on another',
    fields: [{ fieldClass: 'memory.events', names: /^oom$/, perPage: 1 }],
    pages: ({ pressure: { kills, setsMax } }) => (kills > 0 && setsMax ? 1_000_000 : 0),
  },
  {
    id: 'group-kill-count',
    title: 'Victims of a group kill',
    bound: '1 for every group that went as a whole',
    reason: 'the first victim counts again if it still exists when the rest of its group is killed',
    fields: [{ fieldClass: 'memory.events', names: /^oom_kill$/, perPage: 1 }],
    pages: ({ pressure: { groupKills } }) => groupKills,
  },
  {
    id: 'oom-report',
    title: 'Allocations around a kill',
    bound: '512 pages where the controller runs, for every process that the OOM killer ended',
    reason:
      'the kill is written to the log and the console, and the victim is cleaned up after by threads of the kernel',
    fields: [{ fieldClass: 'node numastat', names: /^(numa_hit|local_node|other_node)$/ }],
    pages: ({ pressure: { kills } }) => 512 * kills,
  },
];
