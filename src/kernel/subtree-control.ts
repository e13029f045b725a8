import type { Errno } from '../units/errno.ts';
import { type Cgroup, type Controller, CONTROLLERS } from './cgroup.ts';
import { updateMems } from './cpuset.ts';
import type { Kernel } from './kernel.ts';
import { removeMemcg } from './memcg-removal.ts';
import type { Process } from './task.ts';

/** Controllers that bear processes of the group beside those of its children (cgrp_dfl_threaded_ss_mask). */
const THREADED: ReadonlySet<Controller> = new Set(['cpu', 'cpuset', 'pids']);

/** Living processes of a group itself. */
export function hasProcesses(kernel: Kernel, group: Cgroup): boolean {
  for (const process of kernel.processes.values())
    if (process.isAlive && process.cgroup === group) return true;
  return false;
}

/** A group with processes in it or somewhere below. */
const isPopulated = (kernel: Kernel, group: Cgroup): boolean =>
  hasProcesses(kernel, group) || [...group.children.values()].some((child) => isPopulated(kernel, child));

/** kernel/cgroup/cgroup.c:cgroup_can_be_thread_root: only what lets threads compete is handed down, to nobody yet. */
const canBeThreadRoot = (kernel: Kernel, group: Cgroup): boolean =>
  group.parent === null ||
  ([...group.handedDown].every((one) => THREADED.has(one)) &&
    ![...group.children.values()].some((child) => isPopulated(kernel, child)));

/** Whether a process may enter (cgroup_migrate_vet_dst): where controllers are handed down, no group but the root has processes. */
export const takesProcesses = (kernel: Kernel, group: Cgroup): boolean =>
  canBeThreadRoot(kernel, group) || group.handedDown.size === 0;

/** Writes `+memory -cpuset …` to cgroup.subtree_control (cgroup_subtree_control_write): all of it or nothing. */
export function writeSubtreeControl(kernel: Kernel, group: Cgroup, text: string): Errno | 0 {
  const enable = new Set<Controller>();
  const disable = new Set<Controller>();
  for (const word of text.split(/\s+/).filter((one) => one !== '')) {
    const controller = CONTROLLERS.find((one) => one === word.slice(1));
    if (!controller || !/^[+-]/.test(word)) return 'EINVAL';
    (word[0] === '+' ? enable : disable).add(controller);
    (word[0] === '+' ? disable : enable).delete(controller);
  }
  for (const one of CONTROLLERS) {
    if (enable.has(one)) {
      if (group.handedDown.has(one)) enable.delete(one);
      else if (group.parent !== null && !group.has(one)) return 'ENOENT';
    } else if (disable.has(one)) {
      if (!group.handedDown.has(one)) disable.delete(one);
      else if ([...group.children.values()].some((child) => child.handedDown.has(one))) return 'EBUSY';
    }
  }
  const isThreaded = [...enable].every((one) => THREADED.has(one)) && canBeThreadRoot(kernel, group);
  if (enable.size > 0 && group.parent !== null && !isThreaded && hasProcesses(kernel, group)) return 'EBUSY';
  for (const one of enable) group.handedDown.add(one);
  for (const one of disable) group.handedDown.delete(one);
  for (const child of group.children.values()) follow(kernel, child);
  for (const process of kernel.processes.values()) if (process.isAlive) settleProcess(kernel, process);
  return 0;
}

/** Gives a group the parts that its parent hands down, and takes those away that it no longer does. */
export function follow(kernel: Kernel, group: Cgroup): void {
  if (group.has('memory') && !group.ownMemcg) group.ownMemcg = kernel.newMemcg(group.path, group.memcg);
  else if (!group.has('memory') && group.ownMemcg) {
    removeMemcg(kernel, group.ownMemcg);
    group.ownMemcg = null;
  }
  if (!group.has('cpuset')) kernel.cpusetMems.delete(group);
}

/** A process pays where its group does, and uses the nodes that its group may. Charges stay where they are. */
export function settleProcess(kernel: Kernel, process: Process): void {
  process.memcg = process.cgroup.memcg;
  updateMems(kernel, process);
}
