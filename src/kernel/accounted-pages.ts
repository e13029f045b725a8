import type { KernelLot, KernelPages } from './kernel-pages.ts';
import type { Kernel } from './kernel.ts';
import type { MemcgItem } from './memcg.ts';
import type { NodeItemName } from './node.ts';
import {
  allocateFrames,
  forEachLane,
  freeFrames,
  NO_INTERLEAVE_INDEX,
  takeReserves,
} from './page-allocator.ts';
import type { Task } from './task.ts';

/**
 * What whole pages of kernel memory are for: process page tables, tables of a second-level MMU that are linked into it, stacks of
 * threads, areas of vmalloc, and anything that has no statistic of its own.
 */
export type PageUse = 'pagetables' | 'sec_pagetables' | 'kernel_stack' | 'vmalloc' | 'kernel_other';

interface Statistic {
  /** Item of the memcg, and what one page adds to it. */
  item: MemcgItem;
  perPage: number;
  /** Counter of the node, and what one page adds to it. */
  counter: NodeItemName | null;
  perNodePage: number;
}

const STATISTIC: Readonly<Record<PageUse, Statistic>> = {
  pagetables: { item: 'pagetables', perPage: 1, counter: 'nr_page_table_pages', perNodePage: 1 },
  sec_pagetables: { item: 'sec_pagetables', perPage: 1, counter: 'nr_sec_page_table_pages', perNodePage: 1 },
  kernel_stack: { item: 'kernel_stack', perPage: 4096, counter: 'nr_kernel_stack', perNodePage: 4 },
  vmalloc: { item: 'vmalloc', perPage: 1, counter: null, perNodePage: 0 },
  kernel_other: { item: 'kernel_other', perPage: 1, counter: null, perNodePage: 0 },
};

/**
 * Allocates whole pages by the task's policy and charges them to its memcg (GFP_KERNEL_ACCOUNT). Neither a limit nor a watermark
 * stops them: the page that they are for runs into it.
 */
export function allocateAccounted(
  kernel: Kernel,
  task: Task,
  holder: KernelPages,
  use: PageUse,
  count: number,
): void {
  if (count === 0) return;
  const memcg = task.process.memcg;
  const charged = kernel.stocks[task.cpu]!.charge(memcg, count);
  if (charged < count) memcg.charge(count - charged);
  let missing = count;
  const hold = (pfn: number, n: number): void => {
    const lot = { pfn, count: n, nid: kernel.nidOf(pfn), memcg };
    holder.push(lot);
    kernel.kernelFrames += n;
    countUse(kernel, lot, use, n);
    missing -= n;
  };
  for (const run of allocateFrames(kernel, task, task.policy, NO_INTERLEAVE_INDEX, count, false)) {
    forEachLane(run.count, run.period, run.lanes, hold);
  }
  if (missing > 0) for (const piece of takeReserves(kernel, task, missing)) hold(piece.pfn, piece.count);
}

/** Frees the newest `count` pages of a holder. */
export function freeAccounted(kernel: Kernel, holder: KernelPages, use: PageUse, count: number): void {
  for (const lot of holder.pop(count)) {
    countUse(kernel, lot, use, -lot.count);
    const home = lot.memcg.kernelHome;
    if (home.parent) home.uncharge(lot.count);
    kernel.kernelFrames -= lot.count;
    freeFrames(kernel, lot.pfn, lot.count);
  }
}

/** Gives the newest `count` pages of a holder another use, in another holder; node and memcg stay those of the allocation. */
export function reuseAccounted(
  kernel: Kernel,
  from: { holder: KernelPages; use: PageUse },
  to: { holder: KernelPages; use: PageUse },
  count: number,
): void {
  for (const lot of from.holder.pop(count)) {
    countUse(kernel, lot, from.use, -lot.count);
    countUse(kernel, lot, to.use, lot.count);
    to.holder.push(lot);
  }
}

/** The root group counts nothing of its own, only what came to it from groups that are gone. */
function countUse(kernel: Kernel, { memcg, nid }: KernelLot, use: PageUse, pages: number): void {
  const { counter, perNodePage } = STATISTIC[use];
  const { item, perPage } =
    STATISTIC[use === 'pagetables' && !kernel.profile.memcgCountsTables ? 'kernel_other' : use];
  if (memcg.parent) memcg.kernelHome.add(item, nid, pages * perPage);
  if (counter) kernel.nodes[nid]!.add(counter, pages * perNodePage);
}
