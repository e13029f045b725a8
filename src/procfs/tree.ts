import { buddyinfoOf, renderBuddyinfo } from './buddyinfo.ts';
import type { CgroupFacts, NodeFacts, ProcessFacts, SnapshotFacts } from './facts.ts';
import { fdinfoOf, renderFdinfo } from './fdinfo.ts';
import type { KernelLayout } from './kernel-layout.ts';
import { LAYOUTS } from './layouts.ts';
import { renderMaps } from './maps.ts';
import { meminfoOf, nodeMeminfoOf, renderMeminfo, renderNodeMeminfo, type NodeMeminfo } from './meminfo.ts';
import {
  memoryEventsOf,
  memoryNumaStatOf,
  memoryStatOf,
  renderMemoryEvents,
  renderMemoryNumaStat,
  renderMemoryStat,
} from './memory-stat.ts';
import { renderNodeNumastat } from './node-numastat.ts';
import { renderNumaMaps } from './numa-maps.ts';
import { renderNumastatTables } from './numastat-table.ts';
import { numastatMeminfo, numastatNodes, numastatProcesses } from './numastat-tool.ts';
import { procStatOf, renderProcStat } from './proc-stat.ts';
import { renderBytes, renderNumbers } from './single-value.ts';
import { renderSmaps, renderSmapsRollup, rollUp } from './smaps.ts';
import { renderStatm, statmOf } from './statm.ts';
import { renderStatus, statusOf } from './status.ts';
import { renderTop, topTaskOf } from './top.ts';
import { nodeVmstatOf, renderVmstat, vmstatOf } from './vmstat.ts';
import { renderZoneinfo } from './zoneinfo.ts';
import { zoneinfoOf } from './zoneinfo-facts.ts';
import { formatList } from '../units/nodelist.ts';

type Files = [string, string][];

const NODE_ROOT = 'sys/devices/system/node';

const memoryNids = (nodes: readonly NodeFacts[]): number[] =>
  nodes.filter((node) => node.totalPages > 0).map((node) => node.nid);

function processFiles(process: ProcessFacts, facts: SnapshotFacts, layout: KernelLayout): Files {
  const files: Files = [
    ['numa_maps', renderNumaMaps(process.vmas)],
    ['smaps', renderSmaps(process.vmas)],
    ['smaps_rollup', renderSmapsRollup(rollUp(process.vmas))],
    ['maps', renderMaps(process.vmas)],
    ['status', renderStatus(statusOf(process, { layout, nodes: facts.nodes }))],
    ['statm', renderStatm(statmOf(process))],
    ['stat', renderProcStat(procStatOf(process))],
    ['cmdline', process.cmdline.map((argument) => `${argument}\0`).join('')],
    ['oom_score', `${process.oomScore}\n`],
    ...process.fds.map((fd): [string, string] => [`fdinfo/${fd.fd}`, renderFdinfo(fdinfoOf(fd))]),
    ...Object.entries(process.extraFiles),
  ];
  return files.map(([name, text]) => [`proc/${process.pid}/${name}`, text]);
}

function systemFiles(facts: SnapshotFacts, layout: KernelLayout): Files {
  const { system, nodes } = facts;
  const nids = formatList(nodes.map((node) => node.nid));
  return [
    ['proc/meminfo', renderMeminfo(meminfoOf(facts, layout))],
    ['proc/vmstat', renderVmstat(vmstatOf(system, nodes, layout))],
    ['proc/buddyinfo', renderBuddyinfo(buddyinfoOf(nodes))],
    ['proc/zoneinfo', renderZoneinfo(zoneinfoOf(nodes, layout))],
    [`${NODE_ROOT}/online`, `${nids}\n`],
    [`${NODE_ROOT}/possible`, `${nids}\n`],
    [`${NODE_ROOT}/has_memory`, `${formatList(memoryNids(nodes))}\n`],
  ];
}

function nodeFiles(node: NodeFacts, meminfo: NodeMeminfo, layout: KernelLayout): Files {
  const files: Files = [
    ['meminfo', renderNodeMeminfo(meminfo)],
    ['numastat', renderNodeNumastat(node.numastat)],
    ['vmstat', renderVmstat(nodeVmstatOf(node, layout))],
    ['distance', `${node.distances.join(' ')}\n`],
    ['cpulist', `${node.cpulist}\n`],
  ];
  return files.map(([name, text]) => [`${NODE_ROOT}/node${node.nid}/${name}`, text]);
}

function cgroupFiles(cgroup: CgroupFacts, nids: readonly number[], layout: KernelLayout): Files {
  const everywhere: Files = [
    ['memory.stat', renderMemoryStat(memoryStatOf(cgroup, layout))],
    ['memory.numa_stat', renderMemoryNumaStat(memoryNumaStatOf(cgroup, nids, layout))],
    ['cgroup.procs', renderNumbers(cgroup.procs)],
  ];
  const belowRoot: Files = [
    ['memory.current', renderBytes(cgroup.currentBytes)],
    ['memory.peak', renderBytes(cgroup.peakBytes)],
    ['memory.max', renderBytes(cgroup.maxBytes)],
    ['memory.swap.current', renderBytes(cgroup.swapCurrentBytes)],
    ['memory.events', renderMemoryEvents(memoryEventsOf(cgroup, layout))],
  ];
  const path = cgroup.path.split('/').filter((part) => part !== '');
  const files = path.length === 0 ? everywhere : [...belowRoot, ...everywhere];
  return files.map(([name, text]) => [['sys/fs/cgroup', ...path, name].join('/'), text]);
}

function toolFiles({ nodes, processes, system }: SnapshotFacts, meminfo: readonly NodeMeminfo[]): Files {
  const nids = nodes.map((node) => node.nid);
  const perProcess = numastatProcesses(processes, nids);
  const tables = [
    ...(perProcess ? [perProcess] : []),
    numastatMeminfo(meminfo, system.hugepages.hugepageKb, '2.0.19'),
    numastatNodes(nodes.map((node) => ({ nid: node.nid, events: node.numastat }))),
  ];
  const totalPages = nodes.reduce((sum, node) => sum + node.totalPages, 0);
  const workers = Object.fromEntries(processes.map((process) => [process.worker, process.pid]));
  return [
    ['workers.json', `${JSON.stringify(workers, null, 2)}\n`],
    ['numastat.txt', renderNumastatTables(tables)],
    ['top.txt', renderTop(processes.map((process) => topTaskOf(process, totalPages)))],
  ];
}

/**
 * Prints a snapshot as the files that tools read: path below the snapshot's directory to text, in the kernel's formats.
 * numastat.txt is what `numastat -m -n -p` prints for all the processes.
 */
export function renderTree(facts: SnapshotFacts): Map<string, string> {
  const layout = LAYOUTS[facts.kernel];
  const nids = memoryNids(facts.nodes);
  const meminfo = facts.nodes.map((node) => ({ nid: node.nid, values: nodeMeminfoOf(node, layout) }));
  return new Map([
    ...facts.processes.flatMap((process) => processFiles(process, facts, layout)),
    ...systemFiles(facts, layout),
    ...facts.nodes.flatMap((node, at) => nodeFiles(node, meminfo[at]!, layout)),
    ...facts.cgroups.flatMap((cgroup) => cgroupFiles(cgroup, nids, layout)),
    ...toolFiles(facts, meminfo),
  ]);
}
