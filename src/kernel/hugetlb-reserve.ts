import { PAGES_PER_PMD } from '../units/pages.ts';
import { addSurplus, dropSurplus } from './hugetlb-buddy.ts';
import type { HugetlbVma } from './hugetlb-vma.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { RangeSet } from './range-set.ts';
import type { Task } from './task.ts';
import type { Vma } from './vma.ts';

/**
 * Promises pages of the pool (mm/hugetlb.c:hugetlb_acct_memory): the pool, with surplus pages where it may have them, must cover all
 * promises, and the nodes that the task may use must have as many free ones.
 */
export function reservePages(kernel: Kernel, task: Task, pages: number): boolean {
  if (pages === 0) return true;
  const pool = kernel.hugetlb;
  const { policy, process } = task;
  const bound = policy?.mode === 'bind' ? policy.nodes : null;
  const mems = process.memsAllowed?.nodes ?? null;
  const allowed = kernel.zonelists[task.nid]!.filter(
    (nid) => (bound?.includes(nid) ?? true) && (mems?.includes(nid) ?? true),
  );
  const missing = pages - pool.available;
  const added = missing > 0 ? addSurplus(kernel, task, allowed, missing) : 0;
  const free = allowed.reduce((sum, nid) => sum + pool.nodes[nid]!.free.size, 0);
  if (added < missing || pages > free) {
    dropSurplus(kernel, added);
    return false;
  }
  pool.reserved += pages;
  return true;
}

/** Takes back promises that were not used. */
export function unreservePages(kernel: Kernel, pages: number): void {
  kernel.hugetlb.reserved -= pages;
  dropSurplus(kernel, pages);
}

/** mm/hugetlb.c:hugetlb_reserve_pages for a new mapping of huge pages [index, index+count). Null when the pool can't cover it. */
export function reserveMapping(
  kernel: Kernel,
  task: Task,
  request: { file: Inode; shared: boolean; noreserve: boolean; index: number; count: number },
): HugetlbVma | null {
  const { file, shared, noreserve, index, count } = request;
  const own: HugetlbVma = { noreserve, consumed: null, isRobbed: false };
  if (noreserve) return own;
  if (!shared) {
    if (!reservePages(kernel, task, count)) return null;
    return { ...own, consumed: new RangeSet() };
  }
  if (!reservePages(kernel, task, count - file.hugeRegions.countIn(index, count))) return null;
  file.hugeRegions.add(index, count);
  return own;
}

/** hugetlb_vm_op_close: what a private mapping was promised and did not use. */
export function closeMapping(kernel: Kernel, vma: Vma): void {
  const consumed = vma.hugetlb?.consumed;
  if (!consumed) return;
  const count = (vma.end - vma.start) / PAGES_PER_PMD;
  unreservePages(kernel, count - consumed.countIn(vma.pgoff / PAGES_PER_PMD, count));
}
