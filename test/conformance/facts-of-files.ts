import { cgroupDir, cgroupsIn, nodesIn, processDir, workersIn } from '../../src/conformance/capture.ts';
import type { SnapshotFiles } from '../../src/conformance/capture.ts';
import type {
  CgroupFacts,
  KernelVersion,
  NodeFacts,
  ProcessFacts,
  SmapsFacts,
  SnapshotFacts,
  SystemFacts,
  VmaFacts,
} from '../../src/procfs/facts.ts';
import { parseMeminfo, parseNodeMeminfo } from '../../src/procfs/meminfo.ts';
import { parseMemoryEvents, parseMemoryNumaStat, parseMemoryStat } from '../../src/procfs/memory-stat.ts';
import { parseNodeNumastat } from '../../src/procfs/node-numastat.ts';
import { parseNumaMaps } from '../../src/procfs/numa-maps.ts';
import { parseBytes, parseNumbers } from '../../src/procfs/single-value.ts';
import { parseSmaps } from '../../src/procfs/smaps.ts';
import { parseStatus, statusKb } from '../../src/procfs/status.ts';
import { parseZoneinfo } from '../../src/procfs/zoneinfo.ts';

/** Facts that print what the files of a capture say: a model that is right by construction. */
export function factsOfFiles(files: SnapshotFiles, kernel: KernelVersion): SnapshotFacts {
  return {
    kernel,
    system: systemFacts(files),
    nodes: nodesIn(files).map((nid) => nodeFacts(files, nid)),
    cgroups: cgroupsIn(files).map((path) => cgroupFacts(files, path)),
    processes: workersIn(files).flatMap((worker) => processFacts(files, worker)),
  };
}

/** Pages on the lists of the CPUs, which the model has among its free pages. */
function listedPages(files: SnapshotFiles, nid: number): number {
  return parseZoneinfo(files.get('sys/zoneinfo') ?? '')
    .filter((zone) => zone.nid === nid)
    .flatMap((zone) => zone.populated?.pagesets ?? [])
    .reduce((sum, { fields }) => sum + (fields.get('count') ?? 0), 0);
}

function systemFacts(files: SnapshotFiles): SystemFacts {
  const values = parseMeminfo(files.get('sys/meminfo')!);
  const listed = nodesIn(files).reduce((sum, nid) => sum + listedPages(files, nid), 0);
  const meminfoPages: Record<string, number> = {};
  for (const [name, kb] of values) {
    if (name.startsWith('HugePages_') || name === 'Hugepagesize') continue;
    meminfoPages[name] = kb / 4 + (name === 'MemFree' || name === 'MemAvailable' ? listed : 0);
  }
  return {
    meminfoPages,
    hugepages: {
      total: values.get('HugePages_Total')!,
      free: values.get('HugePages_Free')!,
      reserved: values.get('HugePages_Rsvd')!,
      surplus: values.get('HugePages_Surp')!,
      hugepageKb: values.get('Hugepagesize')!,
    },
    vmEvents: {},
  };
}

/** Counters of a node and the line of its meminfo that prints each. */
const COUNTERS: Readonly<Record<string, string>> = {
  nr_swapcached: 'SwapCached',
  nr_active_anon: 'Active(anon)',
  nr_inactive_anon: 'Inactive(anon)',
  nr_active_file: 'Active(file)',
  nr_inactive_file: 'Inactive(file)',
  nr_unevictable: 'Unevictable',
  nr_mlock: 'Mlocked',
  nr_dirty: 'Dirty',
  nr_writeback: 'Writeback',
  nr_mapped: 'Mapped',
  nr_anon_pages: 'AnonPages',
  nr_shmem: 'Shmem',
  nr_file_pages: 'FilePages',
  nr_page_table_pages: 'PageTables',
  nr_sec_page_table_pages: 'SecPageTables',
  nr_slab_reclaimable: 'SReclaimable',
  nr_slab_unreclaimable: 'SUnreclaim',
  nr_anon_transparent_hugepages: 'AnonHugePages',
  nr_shmem_hugepages: 'ShmemHugePages',
  nr_shmem_pmdmapped: 'ShmemPmdMapped',
};

function nodeFacts(files: SnapshotFiles, nid: number): NodeFacts {
  const { values } = parseNodeMeminfo(files.get(`node${nid}/meminfo`)!);
  const pages = (name: string): number => values.get(name)! / 4;
  return {
    nid,
    cpulist: String(nid),
    distances: [],
    totalPages: pages('MemTotal'),
    counters: {
      ...Object.fromEntries(Object.entries(COUNTERS).map(([counter, name]) => [counter, pages(name)])),
      nr_kernel_misc_reclaimable: pages('KReclaimable') - pages('SReclaimable'),
      nr_kernel_stack: values.get('KernelStack')!,
    },
    numastat: parseNodeNumastat(files.get(`node${nid}/numastat`)!),
    zones: [
      {
        name: 'Normal',
        startPfn: 0,
        spannedPages: 0,
        presentPages: 0,
        managedPages: 0,
        freePages: pages('MemFree') + listedPages(files, nid),
        minPages: 0,
        lowPages: 0,
        highPages: 0,
        freeByOrder: [],
        counters: {},
      },
    ],
    hugepages: {
      total: values.get('HugePages_Total')!,
      free: values.get('HugePages_Free')!,
      surplus: values.get('HugePages_Surp')!,
    },
  };
}

function cgroupFacts(files: SnapshotFiles, path: string): CgroupFacts {
  const dir = cgroupDir(path);
  const text = (name: string): string => files.get(`${dir}/${name}`) ?? '';
  const isRoot = path === '/';
  const numaStat = parseMemoryNumaStat(text('memory.numa_stat'));
  return {
    path,
    currentBytes: isRoot ? 0 : parseBytes('memory.current', text('memory.current'))!,
    peakBytes: isRoot ? 0 : parseBytes('memory.peak', text('memory.peak'))!,
    maxBytes: null,
    highBytes: null,
    swapCurrentBytes: 0,
    procs: parseNumbers('cgroup.procs', text('cgroup.procs')),
    stat: Object.fromEntries(parseMemoryStat(text('memory.stat'))),
    numaStat: Object.fromEntries([...numaStat].map(([item, nodes]) => [item, [...nodes.values()]])),
    events: Object.fromEntries(parseMemoryEvents(text('memory.events'))),
  };
}

/** Shares by kind, which smaps does not print: anonymous pages first, the rest by what the name says of the file. */
function withShares(name: string, smaps: SmapsFacts): SmapsFacts {
  const pssAnon = smaps.rss === 0 ? 0 : (smaps.pss * smaps.anonymous) / smaps.rss;
  const rest = smaps.pss - pssAnon;
  const isShmem = /^\/(memfd|dev\/zero|bin)/.test(name);
  return { ...smaps, pssAnon, pssShmem: isShmem ? rest : 0, pssFile: isShmem ? 0 : rest };
}

function processFacts(files: SnapshotFiles, worker: string): ProcessFacts[] {
  const dir = processDir(worker);
  const text = (name: string): string => files.get(`${dir}/${name}`)!;
  const status = parseStatus(text('status'));
  if (!status.has('VmSize')) return [];
  const pages = (name: string): number => statusKb(status, name)! / 4;
  const lines = new Map(parseNumaMaps(text('numa_maps')).map((line) => [line.start, line]));
  return [
    {
      worker,
      pid: Number(status.get('Pid')),
      ppid: Number(status.get('PPid')),
      uid: 0,
      comm: status.get('Name')!,
      cmdline: [],
      cgroup: '/',
      threads: 1,
      cpusAllowed: '0',
      memsAllowed: '0',
      oomScoreAdj: 0,
      oomScore: Number(text('oom_score')),
      vmPeakPages: pages('VmPeak'),
      vmSizePages: pages('VmSize'),
      vmLckPages: pages('VmLck'),
      vmPinPages: pages('VmPin'),
      vmHwmPages: pages('VmHWM'),
      rssAnonPages: pages('RssAnon'),
      rssFilePages: pages('RssFile'),
      rssShmemPages: pages('RssShmem'),
      vmDataPages: pages('VmData'),
      vmStkPages: pages('VmStk'),
      vmExePages: pages('VmExe'),
      vmLibPages: pages('VmLib'),
      vmPteBytes: pages('VmPTE') * 4096,
      vmSwapPages: pages('VmSwap'),
      hugetlbKb: pages('HugetlbPages') * 4,
      extraStatus: [],
      // [vsyscall] is the kernel's own, and no line of numa_maps.
      vmas: parseSmaps(text('smaps'))
        .filter(({ name }) => name !== '[vsyscall]')
        .map((vma): VmaFacts => {
          const line = lines.get(vma.start)!;
          const { hasFile, policy, hugetlb, numa } = line;
          return { ...vma, hasFile, policy, hugetlb, numa, smaps: withShares(vma.name, vma.smaps) };
        }),
      fds: [],
      extraFiles: {},
    },
  ];
}
