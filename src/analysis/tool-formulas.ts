import { rssPages } from '../procfs/statm.ts';
import type { CgroupFacts, ProcessFacts, SmapsFacts, SnapshotFacts } from '../procfs/facts.ts';
import { meminfoValues } from '../procfs/meminfo-values.ts';
import { numastatProcesses } from '../procfs/numastat-tool.ts';
import type { TruthFacts } from '../result/types.ts';
import { pagesToKb, parseSize } from '../units/pages.ts';
import { addNodes, nodeList, sum } from './node-lists.ts';
import { cgroupPages, kindPages, processTruth } from './truth.ts';
import type { Reported } from './types.ts';

/**
 * A number that a tool makes of the kernel's files, and that people act on. `claims` says in words what they take it for; `truth`
 * is that, by the record.
 */
export interface ToolFormula {
  id: string;
  title: string;
  /** Who it speaks about. */
  scope: 'process' | 'cgroup' | 'machine';
  unit: 'kB';
  /** The arithmetic, in the names of the files. */
  formula: string;
  /** Project, and the function or file that computes it. */
  source: string;
  /** What readers take the number for. */
  claims: string;
  /** What the tool says of a worker, a cgroup's path or `machine`; null when it has nothing to say. */
  value(facts: SnapshotFacts, subject: string): Reported | null;
  /** What the number claims to be: pages per node id. */
  truth(truth: TruthFacts, subject: string): readonly number[];
}

type Head = Pick<ToolFormula, 'id' | 'title' | 'formula' | 'source' | 'claims'> &
  Partial<Pick<ToolFormula, 'truth'>>;

const total = (kb: number): Reported => ({ totalKb: kb, nodesKb: null });

const OF_PROCESS = 'all memory that lives because of the process';

function ofProcess(
  head: Omit<Head, 'claims'> & Partial<Pick<Head, 'claims'>>,
  read: (process: ProcessFacts, facts: SnapshotFacts) => Reported | null,
): ToolFormula {
  return {
    scope: 'process',
    unit: 'kB',
    claims: OF_PROCESS,
    truth: (truth, worker) => processTruth({ truth }, worker)?.nodePages ?? [],
    ...head,
    value(facts, worker) {
      const process = facts.processes.find((one) => one.worker === worker);
      return process ? read(process, facts) : null;
    },
  };
}

/** smem adds the kB of each mapping, which the kernel has cut off one by one. */
const smem =
  (bytesOf: (smaps: SmapsFacts) => number) =>
  (process: ProcessFacts): Reported =>
    total(
      sum(
        process.vmas
          .filter(({ name }) => name !== '[vsyscall]')
          .map(({ smaps }) => Math.floor(bytesOf(smaps) / 1024)),
      ),
    );

const SMEM = 'smem 1.5: pidtotals() over /proc/PID/smaps';

/** Pages of page cache that reclaim may take: files that are neither guest memory, nor shared memory, nor locked. */
const freeable = (truth: TruthFacts): readonly number[] =>
  addNodes([
    kindPages(truth, ['file']),
    ...truth.holdings
      .filter(({ kind }) => kind === 'file')
      .map(({ unevictableNodePages = [] }) => unevictableNodePages.map((pages) => -pages)),
  ]);

const USED = 'memory that is in use and that no reclaim gives back';
const notFreeable = (truth: TruthFacts): readonly number[] =>
  addNodes([
    nodeList(truth.nodes.map(({ nid, usedPages }) => [nid, usedPages])),
    freeable(truth).map((pages) => -pages),
  ]);

function ofMachine(
  head: Head & Pick<ToolFormula, 'truth'>,
  read: (meminfo: (name: string) => number) => number,
): ToolFormula {
  return {
    scope: 'machine',
    unit: 'kB',
    ...head,
    value({ system, nodes }) {
      const values = meminfoValues(system, nodes);
      return total(read((name) => values[name] ?? 0));
    },
  };
}

/** cAdvisor: usage without the inactive list of files, never below zero. */
function workingSet({ path, currentBytes, stat }: CgroupFacts): Reported | null {
  const bytes = Math.max(0, currentBytes - (stat['inactive_file'] ?? 0));
  return path === '/' ? null : total(Math.floor(bytes / 1024));
}

/** Memory that the command line gives the guest: QEMU's `-m [size=]N`, in MiB without a suffix. */
function guestMemory({ cmdline }: ProcessFacts): Reported | null {
  const text = /^(?:size=)?(\d+[KMGT]?)B?(?:,|$)/i.exec(cmdline[cmdline.indexOf('-m') + 1] ?? '')?.[1];
  if (!cmdline.includes('-m') || text === undefined) return null;
  const bytes = parseSize(/\d$/.test(text) ? `${text}M` : text.toUpperCase());
  return bytes === undefined ? null : total(bytes / 1024);
}

/** What tools tell people about memory. None of them asks which design runs; they read what the kernel prints. */
export const TOOL_FORMULAS: readonly ToolFormula[] = [
  ofProcess(
    {
      id: 'numastat-p',
      title: 'numastat -p',
      formula: 'sum over numa_maps of N<node> × kernelpagesize_kB, node by node',
      source: 'numactl 2.0.19: numastat.c, show_process_info()',
      claims: 'memory of the process, on the node that holds it',
    },
    (process, { nodes }) => {
      const columns = numastatProcesses(
        [process],
        nodes.map(({ nid }) => nid),
      )?.total;
      if (!columns) return null;
      const nodesKb = nodeList(nodes.map(({ nid }, at) => [nid, Math.round(columns[at]! * 1024)]));
      return { totalKb: sum(nodesKb), nodesKb };
    },
  ),
  ofProcess(
    { id: 'smem-rss', title: 'smem RSS', formula: 'sum of Rss over smaps', source: SMEM },
    smem(({ rss }) => rss),
  ),
  ofProcess(
    { id: 'smem-pss', title: 'smem PSS', formula: 'sum of Pss over smaps', source: SMEM },
    smem(({ pss }) => pss / 4096),
  ),
  ofProcess(
    {
      id: 'smem-uss',
      title: 'smem USS',
      formula: 'sum of Private_Clean + Private_Dirty over smaps',
      source: SMEM,
      claims: 'memory that comes back when the process ends',
    },
    smem(({ privateClean, privateDirty }) => privateClean + privateDirty),
  ),
  ofProcess(
    {
      id: 'libvirt-rss',
      title: 'libvirt rss',
      formula: 'rss of /proc/PID/stat × page size',
      source:
        'libvirt: qemuDomainMemoryStatsInternal() in qemu_driver.c, virProcessGetStatInfo() in virprocess.c',
      claims: 'memory of the host that the domain takes',
    },
    (process) => total(pagesToKb(rssPages(process))),
  ),
  ofProcess(
    {
      id: 'libvirt-actual',
      title: 'libvirt actual',
      formula: 'memory of the guest (-m) less the balloon, which is empty here',
      source:
        'QEMU: virtio_balloon_stat() in hw/virtio/virtio-balloon.c; libvirt: VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON',
      claims: 'guest memory that the host provides',
      truth: (truth, worker) =>
        addNodes(
          truth.holdings
            .filter(({ vm, user }) => vm !== null && user === worker)
            .map(({ nodePages }) => nodePages),
        ),
    },
    guestMemory,
  ),
  {
    id: 'kubelet-working-set',
    title: 'kubelet working set',
    scope: 'cgroup',
    unit: 'kB',
    formula: 'memory.current − inactive_file of memory.stat',
    source: 'cAdvisor: container/libcontainer/handler.go, setMemoryStats()',
    claims: 'memory that the pod uses and cannot give back',
    value(facts, path) {
      const cgroup = facts.cgroups.find((one) => one.path === path);
      return cgroup ? workingSet(cgroup) : null;
    },
    truth: (truth, path) => cgroupPages(truth, path, { kernel: true }),
  },
  ofMachine(
    {
      id: 'mem-available',
      title: 'MemAvailable',
      formula: 'MemAvailable of /proc/meminfo',
      source: 'Linux: mm/show_mem.c, si_mem_available()',
      claims: 'memory for new programs without swapping (the reserves of the zones stand in the error)',
      truth: (truth) =>
        addNodes([nodeList(truth.nodes.map(({ nid, freePages }) => [nid, freePages])), freeable(truth)]),
    },
    (meminfo) => meminfo('MemAvailable'),
  ),
  ofMachine(
    {
      id: 'free-used',
      title: 'free: used (procps 4)',
      formula: 'MemTotal − MemAvailable',
      source: 'procps-ng 4: library/meminfo.c, free(1)',
      claims: USED,
      truth: notFreeable,
    },
    (meminfo) => meminfo('MemTotal') - meminfo('MemAvailable'),
  ),
  ofMachine(
    {
      id: 'free-used-3',
      title: 'free: used (procps 3.3)',
      formula: 'MemTotal − MemFree − Buffers − Cached − SReclaimable',
      source: 'procps-ng 3.3: proc/sysinfo.c, meminfo() and free(1)',
      claims: USED,
      truth: notFreeable,
    },
    (meminfo) =>
      meminfo('MemTotal') -
      ['MemFree', 'Buffers', 'Cached', 'SReclaimable'].reduce((kb, name) => kb + meminfo(name), 0),
  ),
  ofMachine(
    {
      id: 'free-buff-cache',
      title: 'free: buff/cache',
      formula: 'Buffers + Cached + SReclaimable',
      source: 'procps-ng: free(1)',
      claims: 'cache that the kernel gives back when memory is short',
      truth: freeable,
    },
    (meminfo) => meminfo('Buffers') + meminfo('Cached') + meminfo('SReclaimable'),
  ),
];
