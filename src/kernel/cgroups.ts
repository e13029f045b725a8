import type { Errno } from '../units/errno.ts';
import { setCpusetMems, updateMems } from './cpuset.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import type { Process } from './task.ts';

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

/** Writes memory.max, memory.high or cpuset.mems; `max` lifts a limit. */
export function setLimit(kernel: Kernel, path: string, file: string, value: string): Errno | 0 {
  const group = kernel.memcgs.get(path);
  if (!group) return 'ENOENT';
  if (group === kernel.rootMemcg) return 'ENOENT';
  if (file === 'cpuset.mems') return setCpusetMems(kernel, group, value);
  const pages = value === 'max' ? null : Math.floor(Number(value) / 4096);
  if (pages !== null && !Number.isFinite(pages)) return 'EINVAL';
  if (file === 'memory.max') group.max = pages;
  else if (file === 'memory.high') group.high = pages;
  else return 'ENOENT';
  if (file === 'memory.max' && pages !== null) for (const stock of kernel.stocks) stock.drain();
  return 0;
}
