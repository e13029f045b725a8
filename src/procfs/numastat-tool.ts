import type { NumaEvents } from './facts.ts';
import { countsHugePages, type NodeMeminfo } from './meminfo.ts';
import type { NumaMapsVma } from './numa-maps.ts';
import type { NumastatTable } from './numastat-table.ts';
import { PAGE_SIZE } from '../units/pages.ts';

/** Releases of numactl whose tables differ: the older knows a fixed set of meminfo names, the newer takes them from node 0. */
export type NumastatVersion = '2.0.16' | '2.0.19';

const MIB: number = 1024 * 1024;
const LABEL_WIDTH = 16;
const WIDEST_LABEL = 24;

/** Rows of `numastat -m` 2.0.16 in its order; a name that no node has is left out. */
const KNOWN_TOKENS: readonly string[] = (
  'MemTotal MemFree MemUsed HighTotal HighFree LowTotal LowFree Active Inactive Active(anon) Inactive(anon) Active(file) ' +
  'Inactive(file) Unevictable Mlocked Dirty Writeback FilePages Mapped AnonPages Shmem KernelStack PageTables NFS_Unstable ' +
  'Bounce WritebackTmp Slab SReclaimable SUnreclaim AnonHugePages ShmemHugePages ShmemPmdMapped HugePages_Total HugePages_Free ' +
  'HugePages_Surp KReclaimable'
).split(' ');

const NUMASTAT_ROWS: readonly (readonly [string, keyof NumaEvents])[] = [
  ['Numa_Hit', 'numa_hit'],
  ['Numa_Miss', 'numa_miss'],
  ['Numa_Foreign', 'numa_foreign'],
  ['Interleave_Hit', 'interleave_hit'],
  ['Local_Node', 'local_node'],
  ['Other_Node', 'other_node'],
];

const columnsOf = (nids: readonly number[]): string[] => [...nids.map((nid) => `Node ${nid}`), 'Total'];
const withTotal = (values: readonly number[]): number[] => [
  ...values,
  values.reduce((sum, value) => sum + value, 0),
];

/** The table of `numastat -n` from the numastat files of the nodes. */
export function numastatNodes(nodes: readonly { nid: number; events: NumaEvents }[]): NumastatTable {
  return {
    title: 'Per-node numastat info (in MBs):',
    unknownTokens: [],
    corner: '',
    labelWidth: LABEL_WIDTH,
    columns: columnsOf(nodes.map((node) => node.nid)),
    rows: NUMASTAT_ROWS.map(([label, name]) => ({
      label,
      values: withTotal(nodes.map((node) => (node.events[name] * PAGE_SIZE) / MIB)),
    })),
    total: null,
  };
}

/** The table of `numastat -m` from the meminfo files of the nodes; `hugepageKb` is Hugepagesize of /proc/meminfo. */
export function numastatMeminfo(
  nodes: readonly NodeMeminfo[],
  hugepageKb: number,
  version: NumastatVersion,
): NumastatTable {
  const known = version === '2.0.16' ? KNOWN_TOKENS : [...(nodes[0]?.values.keys() ?? [])];
  const mib = (node: NodeMeminfo, name: string): number =>
    ((node.values.get(name) ?? 0) * (countsHugePages(name) ? hugepageKb : 1) * 1024) / MIB;
  return {
    title: 'Per-node system memory usage (in MBs):',
    unknownTokens: nodes.flatMap((node) => [...node.values.keys()].filter((name) => !known.includes(name))),
    corner: '',
    labelWidth: LABEL_WIDTH,
    columns: columnsOf(nodes.map((node) => node.nid)),
    rows: known
      .filter((name) => nodes.some((node) => node.values.has(name)))
      .map((label) => ({ label, values: withTotal(nodes.map((node) => mib(node, label))) })),
    total: null,
  };
}

/** A process as `numastat -p` sees it. */
export interface NumastatProcess {
  pid: number;
  comm: string;
  vmas: readonly NumaMapsVma[];
}

const CATEGORIES = ['Huge', 'Heap', 'Stack', 'Private'] as const;

/** numastat files a line under the first word it knows; everything else, shared memory too, is Private. */
function categoryOf(vma: NumaMapsVma): (typeof CATEGORIES)[number] {
  if (!vma.hasFile && vma.name === '[heap]') return 'Heap';
  if (!vma.hasFile && vma.name === '[stack]') return 'Stack';
  return vma.hugetlb ? 'Huge' : 'Private';
}

function sumNodes(vmas: readonly NumaMapsVma[], nids: readonly number[]): number[] {
  return withTotal(
    nids.map((nid) =>
      vmas.reduce((sum, vma) => sum + ((vma.numa.nodes[nid] ?? 0) * vma.kernelPageKb) / 1024, 0),
    ),
  );
}

/**
 * The table of `numastat -p` from the numa_maps of the processes: a table by category for one process, a row per process,
 * by pid, for several. Null without any process: the tool prints no table then.
 */
export function numastatProcesses(
  processes: readonly NumastatProcess[],
  nids: readonly number[],
): NumastatTable | null {
  const sorted = [...processes].sort((a, b) => a.pid - b.pid);
  const only = sorted[0];
  if (!only) return null;
  const isSingle = sorted.length === 1;
  const rows = isSingle
    ? CATEGORIES.map((label) => ({
        label: label as string,
        values: sumNodes(
          only.vmas.filter((vma) => categoryOf(vma) === label),
          nids,
        ),
      }))
    : sorted.map((process) => ({
        label: `${process.pid} (${process.comm})`,
        values: sumNodes(process.vmas, nids),
      }));
  const longest = rows.reduce((length, row) => Math.max(length, row.label.length), LABEL_WIDTH);
  return {
    title: `Per-node process memory usage (in MBs)${isSingle ? ` for PID ${only.pid} (${only.comm})` : ''}`,
    unknownTokens: [],
    corner: isSingle ? '' : 'PID',
    labelWidth: Math.min(WIDEST_LABEL, longest + 1),
    columns: columnsOf(nids),
    rows,
    total: sumNodes(
      sorted.flatMap((process) => process.vmas),
      nids,
    ),
  };
}
