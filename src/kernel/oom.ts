import type { FolioKind } from './folio-class.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import type { Policy } from './mempolicy.ts';
import { logInvocation, logKill, logNothingToKill } from './oom-log.ts';
import type { Process, Task } from './task.ts';

/** Why memory ran out (include/linux/oom.h). */
export type OomConstraint =
  'CONSTRAINT_NONE' | 'CONSTRAINT_CPUSET' | 'CONSTRAINT_MEMORY_POLICY' | 'CONSTRAINT_MEMCG';

/** What ran out (struct oom_control). */
export interface OomControl {
  /** The group at its limit; null where the system, or a part of it, has no page left. */
  limit: Memcg | null;
  /** Nodes of the policy that the allocation is bound to; null for all. */
  nodemask: readonly number[] | null;
  constraint: OomConstraint;
  /** What the page was for. */
  kind: FolioKind;
}

/** OOM_SCORE_ADJ_MIN: such a process is never chosen. */
const NEVER = -1000;

/**
 * mm/oom_kill.c:oom_badness in pages: RSS, swap and page tables, plus oom_score_adj thousandths of the whole. Returns -Infinity for
 * a process that is never chosen.
 */
export function badness(kernel: Kernel, process: Process, totalPages: number): number {
  const mm = process.mm;
  if (!mm || process.oomScoreAdj === NEVER) return -Infinity;
  const points = badnessPages(kernel, process);
  return points + process.oomScoreAdj * Math.trunc(totalPages / 1000);
}

/** Pages that badness counts: RSS, swap, page tables, and what an accounting design adds. hugetlb is no RSS. */
export function badnessPages(kernel: Kernel, process: Process): number {
  const mm = process.mm;
  if (!mm) return 0;
  return mm.rssPages + mm.rss.swap + pageTablePages(process) + kernel.hooks.oomPages(process);
}

/** Page-table pages of a process, top level included. */
export function pageTablePages(process: Process): number {
  return process.mm ? process.mm.tablePages.count : 0;
}

/** What /proc/PID/oom_score prints (fs/proc/base.c:proc_oom_score). */
export function oomScore(kernel: Kernel, process: Process): number {
  const total = kernel.totalPages + kernel.swap.totalPages;
  const points = badness(kernel, process, total);
  if (points === -Infinity) return 0;
  return Math.trunc(((1000 + Math.trunc((points * 1000) / total)) * 2) / 3);
}

/** mm/oom_kill.c:constrained_alloc for an allocation of a task under a policy. */
export function constraintOf(
  kernel: Kernel,
  task: Task,
  policy: Policy | null,
): Pick<OomControl, 'nodemask' | 'constraint'> {
  const memory = kernel.nodes.filter((node) => node.pages > 0).map((node) => node.nid);
  if (policy?.mode === 'bind' && memory.some((nid) => !policy.nodes.includes(nid))) {
    return { nodemask: policy.nodes, constraint: 'CONSTRAINT_MEMORY_POLICY' };
  }
  const mems = task.process.memsAllowed?.nodes;
  if (mems && memory.some((nid) => !mems.includes(nid)))
    return { nodemask: null, constraint: 'CONSTRAINT_CPUSET' };
  return { nodemask: null, constraint: 'CONSTRAINT_NONE' };
}

/**
 * Kills the worst process of those whose memory counts, and the rest of its group where memory.oom.group is set (mm/oom_kill.c:out_of_memory,
 * oom_kill_process); null when nothing can be killed. `task` only gets its signal: it exits when its call returns (killedBy says so), all others
 * exit at once.
 */
export function oomKill(kernel: Kernel, task: Task, oom: OomControl): Process | null {
  oom.limit?.event('oom');
  const total = totalPages(kernel, task, oom);
  const eligible = [...kernel.processes.values()].filter((process) => isEligible(task, process, oom));
  let victim: Process | null = null;
  let worst = -Infinity;
  for (const process of eligible) {
    const points = badness(kernel, process, total);
    // Of equals the last one is chosen.
    if (points === -Infinity || points < worst) continue;
    worst = points;
    victim = process;
  }
  logInvocation(kernel, task, oom, eligible);
  if (!victim) {
    logNothingToKill(kernel);
    return null;
  }
  const group = groupToKill(victim, oom.limit);
  const others = group ? eligible.filter((process) => process.memcg.isWithin(group)) : [];
  logKill(kernel, task, oom, victim);
  countKill(kernel, victim);
  if (group) {
    kernel.log.push(`Tasks in ${group.path} are going to be killed due to memory.oom.group set`);
    group.event('oom_group_kill');
    for (const process of others) {
      if (process.oomScoreAdj === NEVER || !process.mm) continue;
      // The victim, which still exists, is met again.
      logKill(kernel, task, oom, process, false);
      countKill(kernel, process);
      if (process !== victim) kill(kernel, task, process);
    }
  }
  kill(kernel, task, victim);
  return victim;
}

function kill(kernel: Kernel, task: Task, process: Process): void {
  process.killedBy = 'oom';
  if (process !== task.process) kernel.exitProcess(process);
}

function countKill(kernel: Kernel, process: Process): void {
  process.memcg.event('oom_kill');
  kernel.event('oom_kill', 1);
}

/** What oom_score_adj is thousandths of. */
function totalPages(kernel: Kernel, task: Task, { limit, nodemask, constraint }: OomControl): number {
  const swap = kernel.swap.totalPages;
  if (limit) return (limit.max ?? kernel.totalPages) + Math.min(limit.swapMax ?? Infinity, swap);
  const nodes = nodemask ?? (constraint === 'CONSTRAINT_CPUSET' ? task.process.memsAllowed!.nodes : null);
  if (!nodes) return kernel.totalPages + swap;
  return swap + nodes.reduce((sum, nid) => sum + (kernel.nodes[nid]?.pages ?? 0), 0);
}

/** oom_evaluate_task: in the group; or with memory where it is short, as far as policies and cpusets tell. */
function isEligible(task: Task, process: Process, { limit, nodemask }: OomControl): boolean {
  if (!process.isAlive || process.killedBy !== null || !process.mm) return false;
  if (limit) return process.memcg.isWithin(limit);
  const threads = [process.main, ...process.threads.values()];
  if (nodemask) {
    return threads.some(
      ({ policy }) => policy?.mode !== 'bind' || policy.nodes.some((nid) => nodemask.includes(nid)),
    );
  }
  // cpuset_mems_allowed_intersects
  const mine = task.process.memsAllowed?.nodes;
  const others = process.memsAllowed?.nodes;
  return !mine || !others || mine.some((nid) => others.includes(nid));
}

/** mm/memcontrol.c:mem_cgroup_get_oom_group: the highest group with memory.oom.group between the victim's and the one at its limit. */
function groupToKill(victim: Process, limit: Memcg | null): Memcg | null {
  let found: Memcg | null = null;
  for (let group: Memcg | null = victim.memcg; group?.parent; group = group.parent) {
    if (group.killsGroup) found = group;
    if (group === limit) break;
  }
  return found;
}
