import type { Kernel } from './kernel.ts';
import type { Memcg, MemcgItem } from './memcg.ts';
import { overHigh } from './memory-pressure.ts';
import type { NodeItemName } from './node.ts';
import {
  allocateFrames,
  forEachLane,
  freeFrames,
  type FrameRun,
  NO_INTERLEAVE_INDEX,
  takeReserves,
} from './page-allocator.ts';
import type { PageHolder } from './page-holder.ts';
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
  holder: PageHolder,
  use: PageUse,
  count: number,
): void {
  if (count === 0) return;
  const memcg = task.process.memcg;
  const { usage } = memcg;
  const charged = kernel.stocks[task.cpu]!.charge(memcg, count);
  if (charged < count) memcg.charge(count - charged);
  if (kernel.hasHighLimit) overHigh(kernel, task, memcg, memcg.usage - usage);
  let missing = count;
  const hold = (run: FrameRun): void => {
    holder.hold(kernel, run, memcg);
    kernel.kernelFrames += run.count;
    countUse(kernel, run, memcg, use, 1);
    missing -= run.count;
  };
  for (const run of allocateFrames(kernel, task, task.policy, NO_INTERLEAVE_INDEX, count, false)) hold(run);
  if (missing === 0) return;
  for (const { pfn, count: n } of takeReserves(kernel, task, missing))
    hold({ count: n, period: 1, lanes: [pfn] });
}

/** Frees `count` pages of a holder: the newest, or those that lost their place. */
export function freeAccounted(kernel: Kernel, holder: PageHolder, use: PageUse, count: number): void {
  for (const run of holder.release(count)) {
    countUse(kernel, run, run.memcg, use, -1);
    const home = run.memcg.kernelHome;
    if (home.parent) home.uncharge(run.count);
    kernel.kernelFrames -= run.count;
    forEachLane(run.count, run.period, run.lanes, (pfn, n) => freeFrames(kernel, pfn, n));
  }
}

/** Gives the newest `count` pages of a holder another use, in another holder; node and memcg stay those of the allocation. */
export function reuseAccounted(
  kernel: Kernel,
  from: { holder: PageHolder; use: PageUse },
  to: { holder: PageHolder; use: PageUse },
  count: number,
): void {
  for (const run of from.holder.release(count)) {
    countUse(kernel, run, run.memcg, from.use, -1);
    countUse(kernel, run, run.memcg, to.use, 1);
    to.holder.hold(kernel, run, run.memcg);
  }
}

/** The root group counts nothing of its own, only what came to it from groups that are gone. */
function countUse(kernel: Kernel, run: FrameRun, memcg: Memcg, use: PageUse, sign: 1 | -1): void {
  const { counter, perNodePage } = STATISTIC[use];
  const { item, perPage } =
    STATISTIC[use === 'pagetables' && !kernel.profile.memcgCountsTables ? 'kernel_other' : use];
  forEachLane(run.count, run.period, run.lanes, (pfn, n) => {
    const nid = kernel.nidOf(pfn);
    if (memcg.parent) memcg.kernelHome.add(item, nid, sign * n * perPage);
    if (counter) kernel.nodes[nid]!.add(counter, sign * n * perNodePage);
  });
}
