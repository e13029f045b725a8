import type { Errno } from '../units/errno.ts';
import { parseList } from '../units/nodelist.ts';
import type { Cgroup } from './cgroup.ts';
import type { Kernel } from './kernel.ts';
import { nodesWithin, type Policy } from './mempolicy.ts';
import { moveNodes } from './migrate-pages.ts';
import type { Process } from './task.ts';

/** Nodes that a process may use: those of its cpuset that have memory. */
export function allowedNodes(kernel: Kernel, process: Process): readonly number[] {
  return process.memsAllowed?.nodes ?? memoryNodes(kernel);
}

const memoryNodes = (kernel: Kernel): number[] =>
  kernel.nodes.filter((node) => node.pages > 0).map((node) => node.nid);

/** cpuset.mems.effective: the own nodes as far as the parent has them, else the parent's. Null: every node. */
function effectiveMems(kernel: Kernel, group: Cgroup): Policy | null {
  const above = group.parent ? effectiveMems(kernel, group.parent) : null;
  const own = kernel.cpusetMems.get(group);
  if (!own) return above;
  if (!above) return own;
  const nodes = own.nodes.filter((nid) => above.nodes.includes(nid));
  return nodes.length === 0 ? above : nodes.length === own.nodes.length ? own : { ...own, nodes };
}

/** Writes cpuset.mems of a group (kernel/cgroup/cpuset.c:update_nodemask); an empty list gives it its parent's nodes again. */
export function setCpusetMems(kernel: Kernel, group: Cgroup, value: string): Errno | 0 {
  const nodes = parseList(value);
  if (!nodes || nodes.some((nid) => (kernel.nodes[nid]?.pages ?? 0) === 0)) return 'EINVAL';
  if (nodes.length === 0) kernel.cpusetMems.delete(group);
  else kernel.cpusetMems.set(group, { mode: 'bind', flags: [], nodes });
  for (const process of kernel.processes.values()) if (process.isAlive) updateMems(kernel, process);
  return 0;
}

/**
 * A process is in another cpuset, or its cpuset has other nodes (cpuset_attach, update_tasks_nodemask): policies of threads and VMAs are
 * rebound, and what page tables map moves. Policies in inodes stay as they are.
 */
export function updateMems(kernel: Kernel, process: Process): void {
  const from = allowedNodes(kernel, process);
  process.memsAllowed = effectiveMems(kernel, process.cgroup);
  const to = allowedNodes(kernel, process);
  if (from.length === to.length && from.every((nid, i) => nid === to[i])) return;
  for (const task of [process.main, ...process.threads.values()]) task.policy = rebind(task.policy, from, to);
  if (!process.mm) return;
  for (const vma of process.mm.vmas) vma.policy = rebind(vma.policy, from, to);
  moveNodes(kernel, process.main, process.mm, from, to);
}

/** mm/mempolicy.c:mpol_rebind_policy: what was asked for is read again where it was kept; else the i-th of the old nodes becomes the i-th of the new ones. */
function rebind(policy: Policy | null, from: readonly number[], to: readonly number[]): Policy | null {
  if (!policy || !REBOUND.has(policy.mode)) return policy;
  const nodes = policy.wanted
    ? nodesWithin(policy.flags, policy.wanted, to)
    : policy.nodes.map((nid) => {
        const at = from.indexOf(nid);
        return at < 0 ? nid : to[at % to.length]!;
      });
  return { ...policy, nodes: [...new Set(nodes.length > 0 ? nodes : to)].sort((a, b) => a - b) };
}

/** Modes whose nodes follow the cpuset; a preferred node stays what it is. */
const REBOUND: ReadonlySet<Policy['mode']> = new Set(['bind', 'interleave', 'winterleave']);
