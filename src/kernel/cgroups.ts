import type { Errno } from '../units/errno.ts';
import { setCpusetMems, updateMems } from './cpuset.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import { oomKill } from './oom.ts';
import type { Process, Task } from './task.ts';
import { PAGE_SIZE } from '../units/pages.ts';

/** mkdir in cgroupfs, parents included. */
export function createCgroup(kernel: Kernel, path: string): Errno | 0 {
  const existing = kernel.memcgs.get(path);
  if (existing && !existing.isDying) return 'EEXIST';
  ensureCgroup(kernel, path);
  return 0;
}

/** The group at a path, made with its parents where missing. */
export function ensureCgroup(kernel: Kernel, path: string): Memcg {
  const found = kernel.memcgs.get(path);
  if (found) return found;
  const cut = path.lastIndexOf('/');
  const parent = cut <= 0 ? kernel.rootMemcg : ensureCgroup(kernel, path.slice(0, cut));
  return kernel.newMemcg(path, parent);
}

/** rmdir in cgroupfs: the group must be empty of processes and children. Charges stay with the dying group or go to the parent. */
export function removeCgroup(kernel: Kernel, path: string): Errno | 0 {
  const group = kernel.memcgs.get(path);
  if (!group || group === kernel.rootMemcg) return 'ENOENT';
  for (const process of kernel.processes.values()) {
    if (process.isAlive && process.memcg === group) return 'EBUSY';
  }
  for (const child of group.children) if (!child.isDying) return 'EBUSY';
  for (const stock of kernel.stocks) stock.drain();
  group.isDying = true;
  kernel.memcgs.delete(path);
  kernel.cpusetMems.delete(group);
  group.handOverKernel();
  if (kernel.profile.reparentsFolios && group.parent) {
    group.handOverFolios();
    kernel.classes.reparent(group, group.parent);
    group.parent.children.delete(group);
  } else kernel.dyingMemcgs.add(group);
  return 0;
}

/** Writes a pid to cgroup.procs. Charges stay where they are (mm/memcontrol.c: v2 has no move charge). */
export function moveProcess(kernel: Kernel, process: Process, path: string): Errno | 0 {
  const group = kernel.memcgs.get(path);
  if (!group) return 'ENOENT';
  process.memcg = group;
  updateMems(kernel, process);
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
] as const;
export type LimitFile = (typeof FILES)[number];
export const LIMIT_FILES: ReadonlySet<string> = new Set(FILES);

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
  const group = kernel.memcgs.get(path);
  if (!group) return 'ENOENT';
  if (group === kernel.rootMemcg && file !== 'memory.reclaim') return 'ENOENT';
  if (file === 'cpuset.mems') return setCpusetMems(kernel, group, value);
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
  }
}

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
