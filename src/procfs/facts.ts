/**
 * Facts: what one snapshot of a world says, before it becomes text. The kernel's own counter names are the keys, so that
 * one renderer and one parser serve every kernel version. All fields are plain JSON.
 * Units are in the names: pages of 4 KiB, bytes, kB (1024 bytes).
 */

/** Everything one snapshot needs to print its whole /proc, /sys and cgroup tree. */
export interface SnapshotFacts {
  /** Kernel profile whose field lists and orders the texts follow. */
  kernel: KernelVersion;
  system: SystemFacts;
  nodes: NodeFacts[];
  cgroups: CgroupFacts[];
  processes: ProcessFacts[];
}

/** Kernel profiles with a text layout. */
export type KernelVersion = '6.12' | '6.18' | '7.3';

export interface SystemFacts {
  /** Pages, by /proc/meminfo name where that is no sum over nodes: MemAvailable SwapTotal SwapFree Committed_AS CommitLimit Buffers … */
  meminfoPages: Record<string, number>;
  /** Huge page pool: number of pages of `hugepageKb`. */
  hugepages: { total: number; free: number; reserved: number; surplus: number; hugepageKb: number };
  /** vm events of /proc/vmstat that are no sum over nodes (pgfault, pgmigrate_success, unevictable_pgs_culled …). */
  vmEvents: Record<string, number>;
}

export interface NodeFacts {
  nid: number;
  /** CPUs as a Linux list, empty for memory-only nodes. */
  cpulist: string;
  distances: number[];
  /** Managed pages: MemTotal. */
  totalPages: number;
  /**
   * Per-node counters in pages under their vmstat names (nr_file_pages, nr_unevictable, nr_shmem, nr_mapped, nr_anon_pages,
   * nr_active_anon, nr_page_table_pages, nr_sec_page_table_pages, nr_slab_reclaimable …; nr_kernel_stack is in kB as in Linux).
   * A name that is absent is zero.
   */
  counters: Record<string, number>;
  /** Allocation events: the six lines of nodeN/numastat. */
  numastat: NumaEvents;
  zones: ZoneFacts[];
  hugepages: { total: number; free: number; surplus: number };
}

export interface NumaEvents {
  numa_hit: number;
  numa_miss: number;
  numa_foreign: number;
  interleave_hit: number;
  local_node: number;
  other_node: number;
}

export interface ZoneFacts {
  /** DMA, DMA32, Normal, Movable. */
  name: string;
  startPfn: number;
  spannedPages: number;
  presentPages: number;
  managedPages: number;
  freePages: number;
  minPages: number;
  lowPages: number;
  highPages: number;
  /** Free blocks per order 0..10: the line of /proc/buddyinfo. */
  freeByOrder: number[];
  /** Zone counters in pages under their vmstat names (nr_zone_unevictable …). */
  counters: Record<string, number>;
}

export interface CgroupFacts {
  /** Path below /sys/fs/cgroup; the root is `/`. */
  path: string;
  currentBytes: number;
  peakBytes: number;
  /** null means `max`. */
  maxBytes: number | null;
  highBytes: number | null;
  swapCurrentBytes: number;
  /** pids. */
  procs: number[];
  /** memory.stat by name: bytes for memory items, counts for events. Absent is zero. */
  stat: Record<string, number>;
  /** memory.numa_stat: bytes per node id, by item. Absent is zero. */
  numaStat: Record<string, number[]>;
  /** memory.events by name. */
  events: Record<string, number>;
}

export interface ProcessFacts {
  /** Name in the scenario. */
  worker: string;
  pid: number;
  ppid: number;
  uid: number;
  comm: string;
  cmdline: string[];
  /** Path below /sys/fs/cgroup. */
  cgroup: string;
  threads: number;
  cpusAllowed: string;
  memsAllowed: string;
  oomScoreAdj: number;
  /** What /proc/PID/oom_score prints. */
  oomScore: number;
  /** Pages that count in the OOM killer's badness before oom_score_adj: RSS, swap, page tables, and what a design adds. */
  oomBadnessPages?: number | undefined;
  vmPeakPages: number;
  vmSizePages: number;
  vmLckPages: number;
  vmPinPages: number;
  vmHwmPages: number;
  rssAnonPages: number;
  rssFilePages: number;
  rssShmemPages: number;
  /** Private memory that a design counts apart: in VmRSS, in none of the three others. */
  rssGmemPages?: number | undefined;
  vmDataPages: number;
  vmStkPages: number;
  vmExePages: number;
  vmLibPages: number;
  vmPteBytes: number;
  vmSwapPages: number;
  hugetlbKb: number;
  /** Lines that an accounting design adds to status after HugetlbPages, in kB. */
  extraStatus: { name: string; kb: number }[];
  vmas: VmaFacts[];
  fds: FdFacts[];
  /** Files an accounting design adds below /proc/PID: name to whole text. */
  extraFiles: Record<string, string>;
}

/** One open file descriptor. */
export interface FdFacts {
  fd: number;
  /** readlink text, e.g. `/memfd:ram (deleted)`. */
  link: string;
  flagsOctal: string;
  mntId: number;
  inode: number;
  /** Lines that an accounting design adds to fdinfo: key and text. */
  extra: { key: string; value: string }[];
}

/** One VMA: what maps, smaps and numa_maps say of it. */
export interface VmaFacts {
  /** Byte addresses. */
  start: number;
  end: number;
  /** Four characters, e.g. `rw-s`. */
  perms: string;
  offset: number;
  /** `MM:mm` in hex. */
  dev: string;
  inode: number;
  /** Name as maps prints it (`/memfd:ram (deleted)`, `[heap]`), or empty. */
  name: string;
  /** Whether the VMA has a file (numa_maps then prints `file=`); shared anonymous memory has one: /dev/zero. */
  hasFile: boolean;
  /** Effective policy text of numa_maps, e.g. `interleave:2-3`. */
  policy: string;
  /** Two-letter codes of VmFlags, in kernel order. */
  vmFlags: string[];
  hugetlb: boolean;
  kernelPageKb: number;
  mmuPageKb: number;
  thpEligible: number;
  /** Protection key; absent on CPUs without. */
  protectionKey?: number;
  /** numa_maps gather, in units of the VMA's page (huge pages for hugetlb). */
  numa: {
    pages: number;
    anon: number;
    dirty: number;
    mapMax: number;
    swapcache: number;
    active: number;
    writeback: number;
    /** Pages per node id. */
    nodes: number[];
  };
  smaps: SmapsFacts;
}

/** Sums of smaps; bytes, except the pss fields: proportional shares in bytes << 12 as the kernel keeps them. */
export interface SmapsFacts {
  rss: number;
  pss: number;
  pssDirty: number;
  pssAnon: number;
  pssFile: number;
  pssShmem: number;
  sharedClean: number;
  sharedDirty: number;
  privateClean: number;
  privateDirty: number;
  referenced: number;
  anonymous: number;
  ksm: number;
  lazyFree: number;
  anonHuge: number;
  shmemPmd: number;
  filePmd: number;
  sharedHugetlb: number;
  privateHugetlb: number;
  swap: number;
  swapPss: number;
  locked: number;
}

/** All-zero smaps sums. */
export function emptySmaps(): SmapsFacts {
  return {
    rss: 0,
    pss: 0,
    pssDirty: 0,
    pssAnon: 0,
    pssFile: 0,
    pssShmem: 0,
    sharedClean: 0,
    sharedDirty: 0,
    privateClean: 0,
    privateDirty: 0,
    referenced: 0,
    anonymous: 0,
    ksm: 0,
    lazyFree: 0,
    anonHuge: 0,
    shmemPmd: 0,
    filePmd: 0,
    sharedHugetlb: 0,
    privateHugetlb: 0,
    swap: 0,
    swapPss: 0,
    locked: 0,
  };
}
