import {
  emptySmaps,
  type CgroupFacts,
  type NodeFacts,
  type ProcessFacts,
  type SnapshotFacts,
  type VmaFacts,
} from '../../src/procfs/facts.ts';

/** An untouched private anonymous VMA of 64 KiB, with what the test asks for changed. */
export function sampleVma(change: Partial<VmaFacts> = {}): VmaFacts {
  return {
    start: 0x7f0000000000,
    end: 0x7f0000010000,
    perms: 'rw-p',
    offset: 0,
    dev: '00:00',
    inode: 0,
    name: '',
    hasFile: false,
    policy: 'default',
    vmFlags: ['rd', 'wr', 'mr', 'mw', 'me', 'ac', 'sd'],
    hugetlb: false,
    kernelPageKb: 4,
    mmuPageKb: 4,
    thpEligible: 0,
    numa: { pages: 0, anon: 0, dirty: 0, mapMax: 0, swapcache: 0, active: 0, writeback: 0, nodes: [] },
    smaps: emptySmaps(),
    ...change,
  };
}

/** A VMM with a heap, a mapped memfd of 38 pages and a guest_memfd nobody counts. */
export function sampleProcess(change: Partial<ProcessFacts> = {}): ProcessFacts {
  return {
    worker: 'vmm',
    pid: 4242,
    ppid: 1,
    uid: 0,
    comm: 'qemu-system-x86',
    cmdline: ['qemu-system-x86_64', '-m', '40G'],
    cgroup: '/a',
    threads: 3,
    cpusAllowed: '0-3',
    memsAllowed: '0-1',
    oomScoreAdj: 0,
    oomScore: 666,
    vmPeakPages: 100,
    vmSizePages: 90,
    vmLckPages: 0,
    vmPinPages: 0,
    vmHwmPages: 60,
    rssAnonPages: 8,
    rssFilePages: 2,
    rssShmemPages: 38,
    vmDataPages: 20,
    vmStkPages: 33,
    vmExePages: 12,
    vmLibPages: 5,
    vmPteBytes: 8192,
    vmSwapPages: 0,
    hugetlbKb: 0,
    extraStatus: [],
    vmas: [
      sampleVma({
        start: 0x1000000,
        end: 0x1010000,
        name: '[heap]',
        numa: {
          pages: 8,
          anon: 8,
          dirty: 8,
          mapMax: 1,
          swapcache: 0,
          active: 0,
          writeback: 0,
          nodes: [8, 0],
        },
        smaps: {
          ...emptySmaps(),
          rss: 8 * 4096,
          pss: 8 * 2 ** 24,
          privateDirty: 8 * 4096,
          anonymous: 8 * 4096,
        },
      }),
      sampleVma({
        start: 0x7f291bc00000,
        end: 0x7f291bd00000,
        perms: 'rw-s',
        dev: '00:01',
        inode: 7,
        name: '/memfd:ram (deleted)',
        hasFile: true,
        policy: 'interleave:0-1',
        numa: {
          pages: 38,
          anon: 0,
          dirty: 38,
          mapMax: 1,
          swapcache: 0,
          active: 0,
          writeback: 0,
          nodes: [19, 19],
        },
        smaps: {
          ...emptySmaps(),
          rss: 38 * 4096,
          pss: 38 * 2 ** 24,
          pssShmem: 38 * 2 ** 24,
          privateDirty: 38 * 4096,
        },
      }),
    ],
    fds: [
      {
        fd: 9,
        link: 'anon_inode:[kvm-gmem]',
        flagsOctal: '02',
        mntId: 17,
        inode: 2061,
        extra: [{ key: 'gmem_kb', value: '64' }],
      },
    ],
    extraFiles: {},
    ...change,
  };
}

/** A node of 1 GiB with two CPUs. */
export function sampleNode(nid: number, counters: Record<string, number> = {}): NodeFacts {
  const pages = 262_144;
  return {
    nid,
    cpulist: nid === 0 ? '0-1' : '2-3',
    distances: nid === 0 ? [10, 20] : [20, 10],
    totalPages: pages,
    counters,
    numastat: {
      numa_hit: 512,
      numa_miss: 0,
      numa_foreign: 0,
      interleave_hit: 256,
      local_node: 500,
      other_node: 12,
    },
    zones: [
      {
        name: 'Normal',
        startPfn: nid * pages + 1_048_576,
        spannedPages: pages,
        presentPages: pages,
        managedPages: pages,
        freePages: 200_001,
        minPages: 100,
        lowPages: 125,
        highPages: 150,
        freeByOrder: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 195],
        counters: { nr_zone_unevictable: counters['nr_unevictable'] ?? 0 },
      },
    ],
    hugepages: { total: 0, free: 0, surplus: 0 },
  };
}

/** A cgroup without limits. */
export function sampleCgroup(path: string, change: Partial<CgroupFacts> = {}): CgroupFacts {
  return {
    path,
    currentBytes: 262_144,
    peakBytes: 524_288,
    maxBytes: null,
    highBytes: null,
    swapCurrentBytes: 0,
    procs: [4242],
    stat: { file: 131_072, unevictable: 131_072 },
    numaStat: { file: [65_536, 65_536] },
    events: { oom_kill: 1 },
    ...change,
  };
}

/** A snapshot of a machine with two nodes. */
export function sampleSnapshot(change: Partial<SnapshotFacts> = {}): SnapshotFacts {
  return {
    kernel: '6.12',
    system: {
      meminfoPages: { MemAvailable: 300_000, Buffers: 10, SwapTotal: 0, Committed_AS: 77 },
      hugepages: { total: 0, free: 0, reserved: 0, surplus: 0, hugepageKb: 2048 },
      vmEvents: { pgfault: 99 },
    },
    nodes: [
      sampleNode(0, {
        nr_file_pages: 1000,
        nr_unevictable: 900,
        nr_kernel_stack: 161,
        nr_anon_transparent_hugepages: 1024,
      }),
      sampleNode(1, { nr_file_pages: 510, nr_swapcached: 5 }),
    ],
    cgroups: [sampleCgroup('/', { procs: [] }), sampleCgroup('/a/b', { maxBytes: 1_048_576 })],
    processes: [sampleProcess()],
    ...change,
  };
}
