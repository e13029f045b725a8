import { rssPages } from '../procfs/statm.ts';
import type { ProcessFacts, SnapshotFacts, VmaFacts } from '../procfs/facts.ts';
import { numastatProcesses } from '../procfs/numastat-tool.ts';
import type { TruthFacts } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { nodeList, sum } from './node-lists.ts';
import { trackerReport } from './tracker-report.ts';
import { processTruth } from './truth.ts';
import type { InterfaceMeta, KernelInterface, Reported } from './types.ts';

type Reader = (process: ProcessFacts, facts: SnapshotFacts) => Reported | null;

/** PSS in bytes << 12 to kB. */
const PSS_PER_KB: number = 1024 * 4096;

const total = (kb: number): Reported => ({ totalKb: kb, nodesKb: null });
const split = (nodesKb: readonly number[]): Reported => ({ totalKb: sum(nodesKb), nodesKb });

/** VMAs of the process itself: [vsyscall] is nobody's memory. */
const ownVmas = (process: ProcessFacts): VmaFacts[] =>
  process.vmas.filter((vma) => vma.name !== '[vsyscall]');

/** VmRSS of status: the three counters that top's RES sums. */
const rss: Reader = (process) => total(pagesToKb(rssPages(process)));

const vmSize: Reader = (process) => total(pagesToKb(process.vmSizePages));

const smapsRss: Reader = (process) =>
  total(Math.floor(sum(ownVmas(process).map((vma) => vma.smaps.rss)) / 1024));

const smapsPss: Reader = (process) =>
  total(Math.floor(sum(ownVmas(process).map((vma) => vma.smaps.pss)) / PSS_PER_KB));

const numaMaps: Reader = (process, { nodes }) =>
  split(
    nodeList(
      nodes.map(({ nid }) => [
        nid,
        sum(ownVmas(process).map((vma) => (vma.numa.nodes[nid] ?? 0) * vma.kernelPageKb)),
      ]),
    ),
  );

/** `numastat -p` of the one process, before it rounds to hundredths of a MiB; its last column is the total. */
const numastatP: Reader = (process, { nodes }) => {
  const total = numastatProcesses(
    [process],
    nodes.map((node) => node.nid),
  )?.total;
  return total ? split(nodeList(nodes.map(({ nid }, at) => [nid, Math.round(total[at]! * 1024)]))) : null;
};

/** Pages that count in the OOM killer's badness; nothing where the facts don't say, since oom_score is too coarse. */
const oomBadness: Reader = (process) =>
  process.oomBadnessPages === undefined ? null : total(pagesToKb(process.oomBadnessPages));

const allMemory = (truth: TruthFacts, worker: string): readonly number[] =>
  processTruth({ truth }, worker)?.nodePages ?? [];
const privateMemory = (truth: TruthFacts, worker: string): readonly number[] =>
  processTruth({ truth }, worker)?.privateNodePages ?? [];

function ofProcess(
  meta: Pick<InterfaceMeta, 'id' | 'title' | 'sources'> & Partial<InterfaceMeta>,
  read: Reader,
  truth: KernelInterface['truth'] = allMemory,
): KernelInterface {
  return {
    scope: 'process',
    fieldClass: 'stat',
    perNode: false,
    countsMemory: true,
    ...meta,
    report(facts, worker) {
      const process = facts.processes.find((one) => one.worker === worker);
      return process ? read(process, facts) : null;
    },
    truth,
  };
}

/**
 * What /proc says about a process. The truth beside it is all memory that lives because of the process, mapped or not: that
 * is what readers of these files want to know. A tracker is asked for private guest memory only, since that is all it claims.
 */
export const PROCESS_INTERFACES: readonly KernelInterface[] = [
  ofProcess({ id: 'rss', title: 'VmRSS (top RES)', sources: ['status/VmRSS'] }, rss),
  ofProcess(
    {
      id: 'vmsize',
      title: 'VmSize (top VIRT)',
      fieldClass: 'accounting',
      countsMemory: false,
      sources: ['status/VmSize'],
    },
    vmSize,
  ),
  ofProcess({ id: 'smaps-rss', title: 'smaps Rss', sources: ['smaps/Rss', 'smaps_rollup/Rss'] }, smapsRss),
  ofProcess({ id: 'pss', title: 'smaps Pss', sources: ['smaps/Pss', 'smaps_rollup/Pss'] }, smapsPss),
  ofProcess({ id: 'numa_maps', title: 'numa_maps', perNode: true, sources: ['numa_maps/N<node>'] }, numaMaps),
  ofProcess(
    { id: 'numastat-p', title: 'numastat -p', perNode: true, sources: ['numastat/Private of a process'] },
    numastatP,
  ),
  // oom_score shows thousandths of it, so that no capture can tell the number itself.
  ofProcess({ id: 'oom-badness', title: 'OOM badness', fieldClass: 'accounting', sources: [] }, oomBadness),
  ofProcess(
    { id: 'tracker', title: 'tracker (fdinfo)', perNode: true, sources: null },
    trackerReport,
    privateMemory,
  ),
];
