import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import type { Process, Task } from './task.ts';

/**
 * mm/oom_kill.c:oom_badness in pages: RSS, swap and page tables, plus oom_score_adj thousandths of the whole. Returns -Infinity for
 * a process that is never chosen.
 */
export function badness(kernel: Kernel, process: Process, totalPages: number): number {
  const mm = process.mm;
  if (!mm || process.oomScoreAdj === -1000) return -Infinity;
  const points = badnessPages(kernel, process);
  return points + process.oomScoreAdj * Math.trunc(totalPages / 1000);
}

/** Pages that badness counts: RSS, swap, page tables, and what an accounting design adds. */
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
  const total = kernel.totalPages;
  const points = badness(kernel, process, total);
  if (points === -Infinity) return 0;
  return Math.trunc(((1000 + Math.trunc((points * 1000) / total)) * 2) / 3);
}

/**
 * Kills the worst process, of the group at its limit or of the whole system (mm/oom_kill.c:out_of_memory); null when nothing can be
 * killed. The allocating process itself only gets its signal: it exits when its call returns (killedBy says so), all others exit at
 * once.
 */
export function oomKill(kernel: Kernel, task: Task, limit: Memcg | null): Process | null {
  const total = limit?.max ?? kernel.totalPages;
  let victim: Process | null = null;
  let worst = -Infinity;
  for (const process of kernel.processes.values()) {
    if (!process.isAlive || process.killedBy !== null || (limit && !isBelow(process.memcg, limit))) continue;
    const points = badness(kernel, process, total);
    // Of equals the last one is chosen.
    if (points === -Infinity || points < worst) continue;
    worst = points;
    victim = process;
  }
  if (!victim) return null;
  const constraint = limit
    ? 'CONSTRAINT_MEMCG'
    : task.policy?.mode === 'bind'
      ? 'CONSTRAINT_MEMORY_POLICY'
      : 'CONSTRAINT_NONE';
  const mm = victim.mm!;
  kernel.log.push(
    `oom-kill:constraint=${constraint},task=${victim.comm},pid=${victim.pid}`,
    `Killed process ${victim.pid} (${victim.comm}) total-vm:${mm.totalVm * 4}kB, anon-rss:${mm.rss.anon * 4}kB, ` +
      `file-rss:${mm.rss.file * 4}kB, shmem-rss:${mm.rss.shmem * 4}kB`,
  );
  limit?.event('oom');
  victim.memcg.event('oom_kill');
  kernel.event('oom_kill', 1);
  victim.killedBy = 'oom';
  if (victim !== task.process) kernel.exitProcess(victim);
  return victim;
}

function isBelow(memcg: Memcg, limit: Memcg): boolean {
  for (let group: Memcg | null = memcg; group; group = group.parent) if (group === limit) return true;
  return false;
}
