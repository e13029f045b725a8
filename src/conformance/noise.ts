import { UNITS_PER_PAGE, type FieldClassName } from './field-class.ts';
import { KHUGEPAGED_NOISE } from './khugepaged-noise.ts';
import { PRESSURE_NOISE, type Pressure } from './pressure-noise.ts';
import { REFERENCED_NOISE, type ReferencedByChance } from './referenced-noise.ts';
import { SCORE_NOISE } from './score-noise.ts';
import type { Leftovers } from './leftovers.ts';

/** What a bound may depend on: where a field stands, and what happened since the snapshot before. */
export interface NoiseContext {
  cpus: number;
  nodes: number;
  /** Node of a per-node field; null for fields of the whole system, of a process or a cgroup. */
  nid: number | null;
  /** Some task's policy has been (weighted) interleave since the script began. */
  interleaves: boolean;
  /** Workers that came or went since the snapshot before. */
  workerChanges: number;
  /** Pages by which the anonymous memory of the worker program itself changed since the snapshot before. */
  ownAnonPages: number;
  /** Pages of the program's files that workers mapped, and of vCPU run areas, which came or went since the snapshot before. */
  ownFilePages: number;
  /** Slab pages that the whole system has gained since the first snapshot, at this one or the one before: the larger. */
  slabPages: number;
  /** A step asked the kernel to move the memory of a whole process. */
  movesProcesses: boolean;
  /** Pages that the kernel moved since the snapshot before, where a step had a cpuset move them. */
  movedByCpuset: number;
  /** Of a mapping or a process. */
  referenced: ReferencedByChance;
  /** Points of oom_score of a process that the pages of both sides explain; 0 for other fields. */
  scoreSpan: number;
  /** Pages on the lists of the CPUs of zones at their low watermark, at this snapshot and the one before. */
  waitingPages: number;
  /** The kernel calls no slab reclaimable: it was built for little memory (CONFIG_SLUB_TINY). */
  hasTinySlab: boolean;
  /** Pages of block devices (Buffers) that went since the snapshot before. */
  lostBuffers: number;
  /** Pages of kernel memory of a cgroup that one side knows of and the other doesn't. */
  otherKernelPages: number;
  /** Free pages include those on the lists of the CPUs, as zoneinfo states them. */
  knowsPageLists: boolean;
  /** What boot left in memory may set apart by now. */
  leftovers: Leftovers;
  /** What happened for lack of memory. */
  pressure: Pressure;
  /** Pages of the huge pages that khugepaged has made. */
  collapsed: number;
  /** Workers that the snapshot shows. */
  workers: number;
}

/** One reason why a real kernel's number is not sharp. */
export interface NoiseClass {
  id: string;
  title: string;
  /** The bound in words. */
  bound: string;
  reason: string;
  /** Fields that it touches; `perPage` where a field has another unit than its class. */
  fields: readonly { fieldClass: FieldClassName; names: RegExp; perPage?: number }[];
  /** Largest difference in pages between kernel and model; 0 where the class has no say. */
  pages: (context: NoiseContext) => number;
}

/** The node of CPU 1, where the controller of a capture runs with the tools it starts. */
const CONTROLLER_NODE = 1;
const MIB_PAGES = 256;
/** Pages of 4 KiB in a huge page. */
const HUGE_PAGES = 512;
/** Pages that a memory cgroup charges ahead on each CPU (MEMCG_CHARGE_BATCH). */
const CHARGE_BATCH = 64;

/** Pages of the worker program and of what it has in memory: text of 216, and data and stack that differ from run to run. */
export const PROGRAM_PAGES = 240;

const LRU = /^(Active|Inactive|Active\(anon\)|Inactive\(anon\))$/;

/** Every noise class. A field that none of them names must agree to the last digit. */
export const NOISE: readonly NoiseClass[] = [
  ...PRESSURE_NOISE,
  KHUGEPAGED_NOISE,
  ...REFERENCED_NOISE,
  SCORE_NOISE,
  {
    id: 'interleave-split',
    title: 'Split of a task interleave',
    bound: '3 pages per node while a task interleaves; totals are exact',
    reason:
      "a thread has one interleave counter, which its other allocations advance too (page tables, the program's own pages)",
    fields: [
      {
        fieldClass: 'node meminfo',
        names:
          /^(FilePages|Unevictable|Shmem|Mlocked|Mapped|AnonPages|PageTables|SecPageTables|Active|Inactive|(Active|Inactive)\((anon|file)\))$/,
      },
      { fieldClass: 'numa_maps', names: /^N\d+$/ },
      {
        fieldClass: 'memory.numa_stat',
        names:
          /^(anon|file|shmem|file_mapped|unevictable|pagetables|sec_pagetables|(in)?active_(anon|file))$/,
      },
      { fieldClass: 'numastat', names: /^(Private|Total)$/ },
    ],
    pages: ({ interleaves }) => (interleaves ? 3 : 0),
  },
  {
    id: 'interleave-slab',
    title: 'Slabs of a task that interleaves',
    bound: '128 pages per node while a task interleaves; totals have a bound of their own',
    reason:
      'a slab takes two ticks of the interleave counter, so that over two nodes all slabs of a call land on one of them: on which hangs on the thread having made an even or an odd number of other allocations',
    fields: [{ fieldClass: 'memory.numa_stat', names: /^slab_reclaimable$/ }],
    pages: ({ interleaves }) => (interleaves ? 128 : 0),
  },
  {
    id: 'own-pages',
    title: "The worker program's own anonymous pages",
    bound:
      '8 pages, 12 for every worker that came or went, and as many as the own mappings of the workers gained or lost since the snapshot before',
    reason:
      'stack, heap and data of the worker program and of the controller are touched and, after a fork, copied one by one by parent and child, which no line of smaps shows as a gain; a worker that ends leaves behind what it shared; no step says when',
    fields: [
      { fieldClass: 'meminfo', names: /^AnonPages$/ },
      { fieldClass: 'meminfo', names: LRU },
      { fieldClass: 'node meminfo', names: /^AnonPages$/ },
      { fieldClass: 'node meminfo', names: LRU },
      { fieldClass: 'memory.stat', names: /^(anon|active_anon|inactive_anon)$/ },
      { fieldClass: 'memory.numa_stat', names: /^(anon|active_anon|inactive_anon)$/ },
    ],
    pages: ({ ownAnonPages, workerChanges }) => 8 + 12 * workerChanges + ownAnonPages,
  },
  {
    id: 'boot-buffers',
    title: 'What boot read from block devices',
    bound: 'as many pages as Buffers has lost since the snapshot before',
    reason:
      'on some boots a page of a device is left in memory, on others none; reclaim and drop_caches take it along, and no step made it',
    fields: [
      { fieldClass: 'meminfo', names: /^(Buffers|Cached|Inactive|Inactive\(file\))$/ },
      { fieldClass: 'node meminfo', names: /^(FilePages|Inactive|Inactive\(file\))$/ },
      { fieldClass: 'memory.stat', names: /^(file|inactive_file)$/ },
      { fieldClass: 'memory.numa_stat', names: /^(file|inactive_file)$/ },
    ],
    pages: ({ lostBuffers }) => lostBuffers,
  },
  {
    id: 'own-files',
    title: "The worker program's own file pages",
    bound:
      'as many as the workers mapped that came or went since the snapshot before, and a page for a vCPU that did; else exact',
    reason:
      'the controller has the same program mapped, so that its pages stay mapped when the last worker of a scenario goes; and the program maps the run area of its vCPU',
    fields: [
      { fieldClass: 'meminfo', names: /^Mapped$/ },
      { fieldClass: 'node meminfo', names: /^Mapped$/ },
      { fieldClass: 'memory.stat', names: /^file_mapped$/ },
      { fieldClass: 'memory.numa_stat', names: /^file_mapped$/ },
    ],
    pages: ({ ownFilePages }) => ownFilePages,
  },
  {
    id: 'own-tables',
    title: "Page tables of the worker program's own mappings",
    bound: '3 pages per worker',
    reason: 'which of its own pages the program has touched decides over a table page more or less',
    fields: [
      { fieldClass: 'status', names: /^VmPTE$/ },
      { fieldClass: 'meminfo', names: /^PageTables$/ },
      { fieldClass: 'memory.stat', names: /^pagetables$/ },
    ],
    pages: ({ workers }) => 3 * Math.max(1, workers),
  },
  {
    id: 'own-tables-node',
    title: "Nodes of the page tables of the worker program's own mappings",
    bound:
      '3 pages per node and worker, and 10 for every worker that came or went; totals have a bound of their own',
    reason: 'the tables of a started program are on the nodes where its loader ran, which no step says',
    fields: [
      { fieldClass: 'node meminfo', names: /^PageTables$/ },
      { fieldClass: 'memory.numa_stat', names: /^pagetables$/ },
    ],
    pages: ({ workerChanges, workers }) => 3 * Math.max(1, workers) + 10 * workerChanges,
  },
  {
    id: 'own-pages-moved',
    title: "The worker program's own pages on the way to another node",
    bound: `${PROGRAM_PAGES} pages per node, at snapshots after migrate_pages or a change of a cgroup's cpuset`,
    reason: 'such a call moves the program text, data and stack along, which the model does not place',
    fields: [
      {
        fieldClass: 'node meminfo',
        names: /^(FilePages|Shmem|Mapped|AnonPages|Active|Inactive|(Active|Inactive)\((anon|file)\))$/,
      },
      {
        fieldClass: 'memory.numa_stat',
        names: /^(anon|file|shmem|file_mapped|(in)?active_(anon|file))$/,
      },
    ],
    pages: ({ movesProcesses }) => (movesProcesses ? PROGRAM_PAGES : 0),
  },
  {
    id: 'full-node',
    title: 'What a nearly full node still gives',
    bound:
      'the pages on the lists of the CPUs (count: in zoneinfo) of zones at their low watermark, and 64; totals are exact',
    reason:
      'a zone is asked only while its free pages without those on the lists are above the watermark; how many wait there hangs on who freed and took pages before',
    fields: [
      { fieldClass: 'meminfo', names: /^MemAvailable$/ },
      {
        fieldClass: 'node meminfo',
        names:
          /^(MemFree|MemUsed|FilePages|Unevictable|Shmem|Mapped|AnonPages|PageTables|Active|Inactive|(Active|Inactive)\((anon|file)\))$/,
      },
      { fieldClass: 'numa_maps', names: /^N\d+$/ },
      {
        fieldClass: 'node numastat',
        names: /^(numa_hit|numa_miss|numa_foreign|local_node|other_node|interleave_hit)$/,
      },
      { fieldClass: 'numastat', names: /^(Private|Total)$/ },
      {
        fieldClass: 'memory.numa_stat',
        names: /^(anon|file|shmem|file_mapped|unevictable|pagetables|(in)?active_(anon|file))$/,
      },
    ],
    pages: ({ waitingPages }) => waitingPages,
  },
  {
    id: 'kernel-threads',
    title: 'Kernel threads',
    bound: '8 pages',
    reason: 'worker threads of the kernel start and end at any time, each with a stack of 16 KiB',
    fields: [
      { fieldClass: 'meminfo', names: /^KernelStack$/ },
      { fieldClass: 'node meminfo', names: /^KernelStack$/ },
    ],
    pages: () => 8,
  },
  {
    id: 'stack-node',
    title: "Nodes of threads' stacks",
    bound: '4 pages per node, and 4 for every worker that came or went; totals are exact',
    reason: 'a CPU gives out the stacks of threads that ended on it before, wherever these lie',
    fields: [{ fieldClass: 'memory.numa_stat', names: /^kernel_stack$/ }],
    pages: ({ workerChanges }) => 4 * (1 + workerChanges),
  },
  {
    id: 'slab-caches',
    title: 'Slab pages',
    bound:
      '128 pages (512 kB) for the whole system; per node 64, and as many as the whole system has gained since the first snapshot',
    reason:
      'slab keeps partly used and empty pages on lists, takes new ones from a node of its own choice, and the controller and its tools create inodes, dentries and sockets all the time',
    fields: [
      { fieldClass: 'meminfo', names: /^(Slab|KReclaimable|SReclaimable|SUnreclaim)$/ },
      { fieldClass: 'node meminfo', names: /^(Slab|KReclaimable|SReclaimable|SUnreclaim)$/ },
    ],
    pages: ({ nid, slabPages }) => (nid === null ? 128 : 64 + slabPages),
  },
  {
    id: 'free-memory',
    title: 'Free memory',
    bound:
      '3 MiB per node when the page lists of the CPUs (count: in zoneinfo) are added to the free pages, 40 MiB without',
    reason:
      'freed pages wait on lists of the CPUs, 44 to 63 MiB in total, slab and kernel threads take pages at any time, and kernel 7.3 was seen to set a block of 2 MiB aside on an idle node',
    fields: [
      { fieldClass: 'meminfo', names: /^(MemFree|MemAvailable)$/ },
      { fieldClass: 'node meminfo', names: /^(MemFree|MemUsed)$/ },
      { fieldClass: 'numastat', names: /^(MemFree|MemUsed)$/ },
    ],
    pages: ({ nid, nodes, knowsPageLists }) =>
      (knowsPageLists ? 3 : 40) * MIB_PAGES * (nid === null ? nodes : 1),
  },
  {
    id: 'controller-allocations',
    title: 'Allocation events of everybody else',
    bound: `512 pages and 128 for every worker on the node of the controller (4096 with SLUB_TINY), 128 elsewhere, 128 for every worker that came or went, and ${PROGRAM_PAGES} at snapshots after migrate_pages or a change of a cgroup's cpuset`,
    reason:
      'a snapshot itself allocates about 180 pages where the controller runs, 130 more for every process that its tools look at, and ten times as many where slab keeps no empty pages; kernel objects and page tables count everywhere; a program that moves along is allocated anew',
    fields: [
      {
        fieldClass: 'node numastat',
        names: /^(numa_hit|numa_miss|numa_foreign|local_node|other_node|interleave_hit)$/,
      },
    ],
    pages: ({ nid, nodes, workers, workerChanges, hasTinySlab, movesProcesses }) =>
      (nid === Math.min(CONTROLLER_NODE, nodes - 1) ? (hasTinySlab ? 4096 : 512) + 128 * workers : 128) +
      128 * workerChanges +
      (movesProcesses ? PROGRAM_PAGES : 0),
  },
  {
    id: 'cpuset-moves',
    title: 'The CPU that moves pages to a new cpuset',
    bound:
      "the pages that the kernel moved, at snapshots after a change of a cgroup's cpuset; hits and misses have a bound of their own",
    reason:
      'the move is work that is queued for any CPU (cpuset_migrate_mm): whether its allocations are local hangs on which one takes it',
    fields: [{ fieldClass: 'node numastat', names: /^(local_node|other_node)$/ }],
    pages: ({ movedByCpuset }) => movedByCpuset,
  },
  {
    id: 'charge-stock',
    title: 'Charges taken ahead',
    bound: '64 pages per CPU, and 28 for kernel objects',
    reason:
      'a memory cgroup is charged in batches of 64 pages, and each CPU keeps the rest of its batch until another cgroup needs the place',
    fields: [
      { fieldClass: 'memory.current', names: /^/ },
      { fieldClass: 'memory.peak', names: /^/ },
    ],
    pages: ({ cpus }) => CHARGE_BATCH * cpus + 28,
  },
  {
    id: 'kernel-objects',
    title: 'Kernel memory of a cgroup',
    bound: '28 pages (112 kB) per worker',
    reason:
      'files, tasks, VMs and sockets have objects of their own beside the page tables, stacks and trees that the model counts',
    fields: [
      {
        fieldClass: 'memory.stat',
        names: /^(kernel|slab|slab_reclaimable|slab_unreclaimable|vmalloc|percpu|sock)$/,
      },
      { fieldClass: 'memory.numa_stat', names: /^slab_(un)?reclaimable$/ },
    ],
    pages: ({ workers }) => 28 * Math.max(1, workers),
  },
  {
    id: 'rss-batch',
    title: 'High-water mark of RSS',
    bound: '96 pages',
    reason:
      'the mark is taken from the fast sum of the three RSS counters, which leaves out up to 32 pages that the CPU still holds of each',
    fields: [{ fieldClass: 'status', names: /^VmHWM$/ }],
    pages: () => 96,
  },
  {
    id: 'tool-later',
    title: 'numastat reads later',
    bound: '2 MiB in the rows that move by themselves',
    reason:
      'numastat starts after the files of the snapshot were read, and is a process with memory of its own while it reads',
    fields: [
      {
        fieldClass: 'numastat',
        names:
          /^(Active|Active\(anon\)|Inactive|Inactive\(anon\)|Mapped|AnonPages|KernelStack|PageTables|Slab|SReclaimable|SUnreclaim|KReclaimable)$/,
      },
    ],
    pages: () => 2 * MIB_PAGES,
  },
  {
    id: 'tool-allocates',
    title: 'Allocation events of numastat itself',
    bound: '16 MiB (4096 pages) in each of the event rows',
    reason: 'starting the tool allocates pages for its program, its libraries and the files it reads',
    fields: [
      { fieldClass: 'numastat', names: /^(Numa_Hit|Numa_Miss|Numa_Foreign|Local_Node|Other_Node)$/ },
      {
        fieldClass: 'numastat',
        names: /^(numa_hit|numa_miss|numa_foreign|local_node|other_node)$/,
        perPage: 1,
      },
    ],
    pages: () => 16 * MIB_PAGES,
  },
  {
    id: 'short-pool',
    title: 'Memory of a pool that got fewer huge pages than were asked for',
    bound: 'what the outcome "huge pages obtained" differs by, from the first such step on',
    reason: 'the pool is that much larger or smaller, and free memory the other way round',
    fields: [
      { fieldClass: 'meminfo', names: /^HugePages_(Total|Free)$/, perPage: 1 / HUGE_PAGES },
      { fieldClass: 'node meminfo', names: /^HugePages_(Total|Free)$/, perPage: 1 / HUGE_PAGES },
      { fieldClass: 'meminfo', names: /^(Hugetlb|MemFree|MemAvailable|CommitLimit)$/ },
      { fieldClass: 'node meminfo', names: /^(MemFree|MemUsed)$/ },
    ],
    pages: ({ leftovers }) => leftovers.poolPages * HUGE_PAGES,
  },
  {
    id: 'offlined-memory',
    title: 'Memory of nodes whose blocks went offline',
    bound: '2 blocks per node, 512 pages, and a quarter of the pages that moved, from the first such step on',
    reason: 'which blocks go hangs on boot, and with it how much memory a node has and which pages move away',
    fields: [
      { fieldClass: 'meminfo', names: /^(MemTotal|MemFree|MemAvailable|CommitLimit)$/ },
      {
        fieldClass: 'node meminfo',
        names:
          /^(MemTotal|MemFree|MemUsed|FilePages|Shmem|Mapped|AnonPages|Active|Inactive|(Active|Inactive)\((anon|file)\))$/,
      },
      { fieldClass: 'numa_maps', names: /^N\d+$/ },
      { fieldClass: 'numastat', names: /^(Private|Total)$/ },
      {
        fieldClass: 'memory.numa_stat',
        names: /^(anon|file|shmem|file_mapped|(in)?active_(anon|file))$/,
      },
    ],
    pages: ({ leftovers }) => leftovers.offlinePages,
  },
  {
    id: 'offline-lookups',
    title: 'Names that the controller looked up to find memory blocks',
    bound: '1024 pages on its node and in all, 256 elsewhere, from the first such step on',
    reason:
      'it asks each node for 4096 blocks, and the kernel remembers every name that does not exist (192 bytes); taking blocks offline gives empty slab pages back',
    fields: [
      { fieldClass: 'meminfo', names: /^(Slab|KReclaimable|SReclaimable|SUnreclaim)$/ },
      { fieldClass: 'node meminfo', names: /^(Slab|KReclaimable|SReclaimable|SUnreclaim)$/ },
    ],
    pages: ({ nid, nodes, leftovers }) => {
      if (leftovers.offlinePages === 0) return 0;
      return nid === null || nid === Math.min(CONTROLLER_NODE, nodes - 1) ? 1024 : 256;
    },
  },
  {
    id: 'offline-events',
    title: 'Allocation events of taking blocks offline',
    bound:
      'what the memory of such nodes may differ by, and 2 for each page that the kernel failed to move, from the first such step on',
    reason:
      'each page that moves is an allocation, and one that cannot move is tried again and again until the caller is interrupted',
    fields: [
      {
        fieldClass: 'node numastat',
        names: /^(numa_hit|numa_miss|numa_foreign|local_node|other_node|interleave_hit)$/,
      },
    ],
    pages: ({ leftovers }) => leftovers.offlinePages + (leftovers.offlineTries ?? 0),
  },
];

/** Differences that come of subtraction, not of the kernel: they state their own bound at each field. */
export const SUBTRACTION_NOISE: Readonly<
  Record<'rounding' | 'own-history', Pick<NoiseClass, 'id' | 'title' | 'bound' | 'reason'>>
> = {
  rounding: {
    id: 'rounding',
    title: 'Cut-off fractions',
    bound: 'less than 1 kB for every own mapping of the worker program, 0.01 MB in a table of numastat',
    reason: 'shares of shared pages are printed in whole kB, and table cells with two decimals',
  },
  'own-history': {
    id: 'own-history',
    title: "The worker program's own size in the past",
    bound: 'what the own mappings of the worker measured at its snapshots so far',
    reason: 'a high-water mark was set at a moment between snapshots, when the own part is not known',
  },
};

/** The classes that speak about a field, and the difference that they allow, in the unit of the field's class. */
export function noiseFor(
  fieldClass: FieldClassName,
  name: string,
  context: NoiseContext,
): { bound: number; ids: string[] } {
  let bound = 0;
  const ids: string[] = [];
  for (const noise of NOISE) {
    const field = noise.fields.find((one) => one.fieldClass === fieldClass && one.names.test(name));
    if (!field) continue;
    const allowed = noise.pages(context);
    if (allowed === 0) continue;
    bound += allowed * (field.perPage ?? UNITS_PER_PAGE[fieldClass]);
    ids.push(noise.id);
  }
  return { bound, ids };
}
