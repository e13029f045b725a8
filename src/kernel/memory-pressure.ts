import type { FolioKind } from './folio-class.ts';
import type { Kernel } from './kernel.ts';
import { CHARGE_BATCH, type Memcg } from './memcg.ts';
import type { Policy } from './mempolicy.ts';
import { constraintOf, oomKill } from './oom.ts';
import type { Task } from './task.ts';

/** Why there is no memory: nothing is left to free or kill, or the task itself was chosen. */
export type Shortage = 'ENOMEM' | 'EINTR';

/** Passes of reclaim without result before the OOM killer is asked (MAX_RECLAIM_RETRIES). */
export const MAX_RECLAIM_RETRIES = 16;
/** Pages that a list is asked for at a time (mm/vmscan.c:MIN_LRU_BATCH). */
export const RECLAIM_BATCH = 64;

/**
 * How many of `count` pages to charge at once: near a limit fewer, since kernel memory that goes with the pages is charged in between.
 */
export function chunkOf(memcg: Memcg, count: number): number {
  const half = memcg.room() / 2;
  return half >= count ? count : Math.min(count, Math.max(CHARGE_BATCH, Math.floor(half)));
}

/**
 * mm/memcontrol.c:try_charge_memcg where not a single page more fits: stocks are drained and the group reclaimed, `max` counting every attempt;
 * when that frees nothing the OOM killer runs. Returns null when charging may go on.
 */
export function overLimit(
  kernel: Kernel,
  task: Task,
  memcg: Memcg,
  pages: number,
  kind: FolioKind,
): Shortage | null {
  if (task.process.killedBy !== null) return 'EINTR';
  const limit = memcg.overLimit(1);
  if (!limit) return null;
  limit.event('max');
  const wanted = Math.max(pages, RECLAIM_BATCH);
  const freed = kernel.reclaim({
    memcg: limit,
    nids: kernel.zonelists[task.nid]!,
    pages: wanted,
    by: 'direct',
  });
  if (freed > 0) limit.event('max', Math.ceil(freed / RECLAIM_BATCH) - 1);
  else for (const stock of kernel.stocks) stock.drain(limit);
  if (!memcg.overLimit(1)) return null;
  limit.event('max', MAX_RECLAIM_RETRIES + 1);
  const victim = oomKill(kernel, task, { limit, nodemask: null, constraint: 'CONSTRAINT_MEMCG', kind });
  if (!victim) return 'ENOMEM';
  if (task.process.killedBy === null) return null;
  // The killed task tries as often again before it gives up.
  limit.event('max', MAX_RECLAIM_RETRIES + 1);
  return 'EINTR';
}

/** mm/page_alloc.c:__alloc_pages_slowpath where no zone has a page above its minimum, and kswapd got none: the OOM killer. */
export function outOfFrames(
  kernel: Kernel,
  task: Task,
  policy: Policy | null,
  kind: FolioKind,
): Shortage | null {
  if (task.process.killedBy !== null) return 'EINTR';
  const victim = oomKill(kernel, task, { limit: null, ...constraintOf(kernel, task, policy), kind });
  if (!victim) return 'ENOMEM';
  return task.process.killedBy === null ? null : 'EINTR';
}

/** Precision of the excess over memory.high, and what its square is scaled down by (mm/memcontrol.c:calculate_overage, calculate_high_delay). */
const DELAY_PRECISION = 2 ** 20;
const DELAY_SCALE = 2 ** 34;
const HZ = 250;

/**
 * mm/memcontrol.c:mem_cgroup_handle_over_high after `pages` more were charged: whoever has charged more than a batch above memory.high
 * reclaims at once, and again before it returns to the program. Where nothing can be had it tries until it is put to sleep; each attempt is
 * an event.
 */
export function overHigh(kernel: Kernel, task: Task, memcg: Memcg, pages: number): void {
  for (let group: Memcg | null = memcg; group?.parent; group = group.parent) {
    if (group.high === null || group.usage <= group.high) continue;
    const above = Math.min(Math.ceil(pages / CHARGE_BATCH) * CHARGE_BATCH, group.usage - group.high);
    const nids = kernel.zonelists[task.nid]!;
    const freed = kernel.reclaim({ memcg: group, nids, pages: above, by: 'direct' });
    // A fault returns to the program or the guest after every page, so that each batch is one call.
    const step = task.isRunning ? CHARGE_BATCH : 2 * CHARGE_BATCH;
    const calls = Math.ceil(above / step);
    let calm = 0;
    while (
      calm < calls &&
      (freed > 0 || !isThrottled(group.usage - above + (calm + 1) * step, group.high, step))
    )
      calm++;
    group.event('high', calm + (calls - calm) * (1 + MAX_RECLAIM_RETRIES));
  }
}

/** Whether a task that charged `pages` is put to sleep for more than 10 ms. */
function isThrottled(usage: number, high: number, pages: number): boolean {
  const overage = Math.floor(((usage - high) * DELAY_PRECISION) / Math.max(1, high));
  const jiffies = Math.floor((Math.floor((overage * overage * HZ) / DELAY_SCALE) * pages) / CHARGE_BATCH);
  return jiffies > HZ / 100;
}
