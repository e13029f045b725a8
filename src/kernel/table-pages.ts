import type { KernelPages } from './kernel-pages.ts';
import type { Kernel } from './kernel.ts';
import {
  allocateFrames,
  forEachLane,
  freeFrames,
  NO_INTERLEAVE_INDEX,
  takeReserves,
} from './page-allocator.ts';
import type { Task } from './task.ts';

/** Process page tables, or tables of a second-level MMU. */
export type TableKind = 'pagetables' | 'sec_pagetables';

const COUNTER = { pagetables: 'nr_page_table_pages', sec_pagetables: 'nr_sec_page_table_pages' } as const;

/**
 * Allocates page-table pages by the task's policy and charges them to its memcg (GFP_KERNEL_ACCOUNT). Neither a limit nor a watermark
 * stops them: the page that they are for runs into it.
 */
export function allocateTables(
  kernel: Kernel,
  task: Task,
  holder: KernelPages,
  kind: TableKind,
  count: number,
): void {
  if (count === 0) return;
  const memcg = task.process.memcg;
  const charged = kernel.stocks[task.cpu]!.charge(memcg, count);
  if (charged < count) memcg.charge(count - charged);
  let missing = count;
  const hold = (pfn: number, n: number): void => {
    const nid = kernel.nidOf(pfn);
    holder.push({ pfn, count: n, nid, memcg });
    kernel.kernelFrames += n;
    // The root group keeps no count of kernel memory.
    if (memcg.parent) memcg.add(kind, nid, n);
    kernel.nodes[nid]!.add(COUNTER[kind], n);
    missing -= n;
  };
  for (const run of allocateFrames(kernel, task, task.policy, NO_INTERLEAVE_INDEX, count, false)) {
    forEachLane(run.count, run.period, run.lanes, hold);
  }
  if (missing > 0) for (const piece of takeReserves(kernel, task, missing)) hold(piece.pfn, piece.count);
}

/** Frees the newest `count` tables of a holder. */
export function freeTables(kernel: Kernel, holder: KernelPages, kind: TableKind, count: number): void {
  for (const lot of holder.pop(count)) {
    const memcg = lot.memcg.kernelHome;
    if (memcg.parent) memcg.add(kind, lot.nid, -lot.count);
    kernel.nodes[lot.nid]!.add(COUNTER[kind], -lot.count);
    if (memcg.parent) memcg.uncharge(lot.count);
    kernel.kernelFrames -= lot.count;
    freeFrames(kernel, lot.pfn, lot.count);
  }
}
