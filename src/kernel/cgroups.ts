import type { Errno } from '../units/errno.ts';
import { Cgroup } from './cgroup.ts';
import { setCpusetMems } from './cpuset.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import { removeMemcg } from './memcg-removal.ts';
import { oomKill } from './oom.ts';
import { follow, hasProcesses, settleProcess, takesProcesses } from './subtree-control.ts';
import type { Process, Task } from './task.ts';
import { PAGE_SIZE } from '../units/pages.ts';

/** mkdir in cgroupfs: in a group that is there. */
export function createCgroup(kernel: Kernel, path: string): Errno | 0 {
  if (kernel.cgroups.has(path)) return 'EEXIST';
  const parent = kernel.cgroups.get(parentPath(path));
  if (!parent) return 'ENOENT';
  addCgroup(kernel, path, parent);
  return 0;
}

const parentPath = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

function addCgroup(kernel: Kernel, path: string, parent: Cgroup): Cgroup {
  const group = new Cgroup({ path, parent });
  kernel.cgroups.set(path, group);
  follow(kernel, group);
  return group;
}

/** The group at a path, made with its parents where missing, which hand down what theirs do: as a service manager sets groups up. */
export function ensureCgroup(kernel: Kernel, path: string): Cgroup {
  const found = kernel.cgroups.get(path);
  if (found) return found;
  const parent = ensureCgroup(kernel, parentPath(path));
  for (const one of parent.parent?.handedDown ?? []) parent.handedDown.add(one);
  return addCgroup(kernel, path, parent);
}

/** rmdir in cgroupfs: the group must be empty of processes and children. */
export function removeCgroup(kernel: Kernel, path: string): Errno | 0 {
  const group = kernel.cgroups.get(path);
  if (!group) return 'ENOENT';
  if (!group.parent || group.children.size > 0 || hasProcesses(kernel, group)) return 'EBUSY';
  kernel.cgroups.delete(path);
  group.parent.children.delete(path);
  kernel.cpusetMems.delete(group);
  if (group.ownMemcg) removeMemcg(kernel, group.ownMemcg);
  return 0;
}

/** Writes a pid to cgroup.procs. Charges stay where they are (mm/memcontrol.c: v2 has no move charge). */
export function moveProcess(kernel: Kernel, process: Process, path: string): Errno | 0 {
  const group = kernel.cgroups.get(path);
  if (!group) return 'ENOENT';
  if (!process.isAlive || process.cgroup === group) return 0;
  if (!takesProcesses(kernel, group)) return 'EBUSY';
  process.cgroup = group;
  settleProcess(kernel, process);
  kernel.hooks.taskMoved(process);
  return 0;
}

/** Files of a cgroup that act when written. */
const FILES = [
  'memory.max',
  'memory.high',
  'memory.low',
  'memory.min',
  'memory.swap.max',
  'memory.oom.group',
  'memory.reclaim',
  'cpuset.mems',
  'cgroup.kill',
] as const;
type ActingFile = (typeof FILES)[number];
/** Files that take any limit: throttling and compressed swap are not modelled, and a peak starts anew for its reader alone. */
const QUIET_FILES = ['memory.swap.high', 'memory.zswap.max', 'memory.peak', 'memory.swap.peak'] as const;
/** Files that only tell: writing to them is EINVAL. */
const READ_ONLY_FILES = [
  'memory.current',
  'memory.stat',
  'memory.numa_stat',
  'memory.events',
  'memory.swap.current',
  'memory.swap.events',
  'cpuset.mems.effective',
  'cpuset.cpus.effective',
] as const;
export type LimitFile = ActingFile | (typeof QUIET_FILES)[number] | (typeof READ_ONLY_FILES)[number];
export const LIMIT_FILES: ReadonlySet<string> = new Set([...FILES, ...QUIET_FILES, ...READ_ONLY_FILES]);

/**
 * Writes one of LIMIT_FILES on behalf of a task: `max` lifts a limit. A group above a new limit is reclaimed, and has processes killed where
 * memory.max cannot be kept otherwise.
 */
export function setLimit(
  kernel: Kernel,
  task: Task,
  path: string,
  file: LimitFile,
  value: string,
): Errno | 0 {
  const directory = kernel.cgroups.get(path);
  if (!directory) return 'ENOENT';
  if (file.startsWith('cpuset.') && !directory.has('cpuset')) return 'ENOENT';
  if (file === 'cgroup.kill') return killGroup(kernel, directory, value);
  if (file === 'cpuset.mems') return setCpusetMems(kernel, directory, value);
  const group = directory.ownMemcg;
  if (!group || (group === kernel.rootMemcg && !ROOT_FILES.has(file))) return 'ENOENT';
  if (READ_ONLY.has(file)) return 'EINVAL';
  if (file === 'memory.oom.group') {
    if (value !== '0' && value !== '1') return 'EINVAL';
    group.killsGroup = value === '1';
    return 0;
  }
  const pages = value === 'max' ? null : Math.floor(Number(value) / PAGE_SIZE);
  if (pages !== null && !Number.isFinite(pages)) return 'EINVAL';
  switch (file) {
    case 'memory.max':
      group.max = pages;
      if (pages !== null) lowerMax(kernel, task, group, pages);
      return 0;
    case 'memory.high':
      group.high = pages;
      if (pages !== null) lowerHigh(kernel, task, group, pages);
      return 0;
    case 'memory.low':
      group.low = pages ?? Infinity;
      return 0;
    case 'memory.min':
      group.min = pages ?? Infinity;
      return 0;
    case 'memory.swap.max':
      group.swapMax = pages;
      return 0;
    case 'memory.reclaim':
      return reclaimAmount(kernel, task, group, pages);
    default:
      return 0;
  }
}

/** kernel/cgroup/cgroup.c:cgroup_kill_write: whoever is in a group, or below it, is killed. The root has no such file. */
function killGroup(kernel: Kernel, group: Cgroup, value: string): Errno | 0 {
  if (!group.parent) return 'ENOENT';
  if (!/^\d+$/.test(value)) return 'EINVAL';
  if (value !== '1') return 'ERANGE';
  for (const process of kernel.processes.values()) {
    if (!process.isAlive || !isWithin(process.cgroup, group)) continue;
    process.killedBy = 'signal 9';
    kernel.exitProcess(process);
  }
  return 0;
}

function isWithin(group: Cgroup, above: Cgroup): boolean {
  for (let at: Cgroup | null = group; at; at = at.parent) if (at === above) return true;
  return false;
}

const READ_ONLY: ReadonlySet<string> = new Set(READ_ONLY_FILES);
/** Files of the memory controller that the root group has, too. */
const ROOT_FILES: ReadonlySet<string> = new Set(['memory.reclaim', 'memory.stat', 'memory.numa_stat']);

/** mm/memcontrol.c:memory_max_write: the writer reclaims, and calls the OOM killer while that is not enough. */
function lowerMax(kernel: Kernel, task: Task, group: Memcg, max: number): void {
  if (group.usage > max) for (const stock of kernel.stocks) stock.drain(group);
  const nids = kernel.zonelists[task.nid]!;
  while (group.usage > max) {
    if (kernel.reclaim({ memcg: group, nids, pages: group.usage - max, by: 'direct' }) > 0) continue;
    if (
      !oomKill(kernel, task, { limit: group, nodemask: null, constraint: 'CONSTRAINT_MEMCG', kind: 'kernel' })
    )
      break;
  }
}

/** mm/memcontrol.c:memory_high_write: the writer reclaims as far as it can. */
function lowerHigh(kernel: Kernel, task: Task, group: Memcg, high: number): void {
  kernel.hasHighLimit = true;
  if (group.usage > high) for (const stock of kernel.stocks) stock.drain(group);
  const nids = kernel.zonelists[task.nid]!;
  while (group.usage > high) {
    if (kernel.reclaim({ memcg: group, nids, pages: group.usage - high, by: 'direct' }) === 0) break;
  }
}

/** mm/memcontrol.c:memory_reclaim: all that was asked for, or EAGAIN. */
function reclaimAmount(kernel: Kernel, task: Task, group: Memcg, pages: number | null): Errno | 0 {
  if (pages === null) return 'EINVAL';
  const memcg = group === kernel.rootMemcg ? null : group;
  const nids = kernel.zonelists[task.nid]!;
  for (let left = pages; left > 0;) {
    const freed = kernel.reclaim({ memcg, nids, pages: left, by: 'proactive' });
    if (freed === 0) return 'EAGAIN';
    left -= freed;
  }
  return 0;
}
