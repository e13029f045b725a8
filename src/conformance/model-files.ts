import { buddyinfoOf, renderBuddyinfo } from '../procfs/buddyinfo.ts';
import type { CgroupFacts, NodeFacts, ProcessFacts, SnapshotFacts } from '../procfs/facts.ts';
import type { KernelLayout } from '../procfs/kernel-layout.ts';
import { LAYOUTS } from '../procfs/layouts.ts';
import { renderMaps } from '../procfs/maps.ts';
import { meminfoOf, nodeMeminfoOf, renderMeminfo, renderNodeMeminfo } from '../procfs/meminfo.ts';
import {
  memoryEventsOf,
  memoryNumaStatOf,
  memoryStatOf,
  renderMemoryEvents,
  renderMemoryNumaStat,
  renderMemoryStat,
} from '../procfs/memory-stat.ts';
import { renderNodeNumastat } from '../procfs/node-numastat.ts';
import { renderNumaMaps } from '../procfs/numa-maps.ts';
import { renderBytes, renderNumbers } from '../procfs/single-value.ts';
import { renderSmaps, renderSmapsRollup, rollUp } from '../procfs/smaps.ts';
import { renderStatm, statmOf } from '../procfs/statm.ts';
import { renderStatus, statusOf } from '../procfs/status.ts';
import { renderVmstat, vmstatOf } from '../procfs/vmstat.ts';
import { cgroupDir, processDir } from './capture.ts';

/** Prints facts of the model under the paths that a capture's snapshot has. */
export function modelFiles(facts: SnapshotFacts): Map<string, string> {
  const layout = LAYOUTS[facts.kernel];
  const nids = facts.nodes.filter((node) => node.totalPages > 0).map((node) => node.nid);
  return new Map([
    ['sys/meminfo', renderMeminfo(meminfoOf(facts, layout))],
    ['sys/vmstat', renderVmstat(vmstatOf(facts.system, facts.nodes, layout))],
    ['sys/buddyinfo', renderBuddyinfo(buddyinfoOf(facts.nodes))],
    ...facts.nodes.flatMap((node) => nodeFiles(node, layout)),
    ...facts.cgroups.flatMap((cgroup) => cgroupFiles(cgroup, nids, layout)),
    ...facts.processes.flatMap((process) => processFiles(process, facts, layout)),
  ]);
}

type Files = [path: string, text: string][];

function nodeFiles(node: NodeFacts, layout: KernelLayout): Files {
  const values = nodeMeminfoOf(node, layout);
  return [
    [`node${node.nid}/meminfo`, renderNodeMeminfo({ nid: node.nid, values })],
    [`node${node.nid}/numastat`, renderNodeNumastat(node.numastat)],
  ];
}

function cgroupFiles(cgroup: CgroupFacts, nids: readonly number[], layout: KernelLayout): Files {
  const dir = cgroupDir(cgroup.path);
  const files: Files = [
    [`${dir}/memory.stat`, renderMemoryStat(memoryStatOf(cgroup, layout))],
    [`${dir}/memory.numa_stat`, renderMemoryNumaStat(memoryNumaStatOf(cgroup, nids, layout))],
  ];
  if (cgroup.path === '/') return files;
  return [
    ...files,
    [`${dir}/memory.current`, renderBytes(cgroup.currentBytes)],
    [`${dir}/memory.peak`, renderBytes(cgroup.peakBytes)],
    [`${dir}/memory.swap.current`, renderBytes(cgroup.swapCurrentBytes)],
    [`${dir}/memory.events`, renderMemoryEvents(memoryEventsOf(cgroup, layout))],
    [`${dir}/cgroup.procs`, renderNumbers(cgroup.procs)],
  ];
}

function processFiles(process: ProcessFacts, facts: SnapshotFacts, layout: KernelLayout): Files {
  const dir = processDir(process.worker);
  return [
    [`${dir}/numa_maps`, renderNumaMaps(process.vmas)],
    [`${dir}/smaps`, renderSmaps(process.vmas)],
    [`${dir}/smaps_rollup`, renderSmapsRollup(rollUp(process.vmas))],
    [`${dir}/maps`, renderMaps(process.vmas)],
    [`${dir}/status`, renderStatus(statusOf(process, { layout, nodes: facts.nodes }))],
    [`${dir}/statm`, renderStatm(statmOf(process))],
    [`${dir}/oom_score`, `${process.oomScore}\n`],
  ];
}
