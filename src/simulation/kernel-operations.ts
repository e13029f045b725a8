import { isGmemHuge } from '../kernel/gmem-huge.ts';
import type { Inode } from '../kernel/inode.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Hooks, PageRuns } from '../strategy/contract.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import type { WorldView } from './kernel-view.ts';
import type { World } from './world.ts';

/**
 * Counts what the kernel itself does for private memory in every world, by the names of datasets/costs.json. A huge folio is one insertion,
 * and the entry that maps it one fault.
 */
export function kernelOperations(kernel: Kernel, view: WorldView): Hooks {
  const folios = (gmem: Inode, pages: PageRuns): number => {
    if (!isGmemHuge(kernel, gmem)) return pages.total;
    let count = 0;
    pages.forEach((index, n) => {
      count += foliosIn(index, n);
    });
    return count;
  };
  const inRange = (gmem: Inode, index: number, count: number): number =>
    isGmemHuge(kernel, gmem) ? foliosIn(index, count) : count;
  return {
    folioAllocated: (gmem, pages) => {
      const inode = gmem as Inode;
      const count = folios(inode, pages);
      view.count('page cache insert', count);
      // mpol_shared_policy_lookup takes its lock only where the file has a policy.
      if (!inode.policy.isEmpty) view.count('shared policy look-up', count);
    },
    folioFreed: (gmem, index, count) => view.count('page cache remove', inRange(gmem as Inode, index, count)),
    tdpMapped: (slot, pages) => view.count('second-level fault', folios(slot.gmem as Inode, pages)),
    tdpZapped: ({ gmem }, pages) => view.count('second-level entry removed', folios(gmem as Inode, pages)),
    slotBound: () => view.count('memslot change'),
    slotDeleted: () => view.count('memslot change'),
    converted: () => view.count('attribute change'),
  };
}

/** Whole blocks come as one folio, what is left page by page. */
function foliosIn(index: number, count: number): number {
  const blocks = Math.floor((index + count) / PAGES_PER_PMD) - Math.ceil(index / PAGES_PER_PMD);
  return blocks > 0 ? count - blocks * (PAGES_PER_PMD - 1) : count;
}

/** Operations of a world by name: what designs and the kernel counted, and the work on page tables that shadow VMAs make. */
export function allOperations({ kernel, view }: World): Record<string, number> {
  const { installed, removed, rmapWalks, scanned } = kernel.shadowWork;
  const work = {
    'host page-table entry installed': installed,
    'host page-table entry removed': removed,
    'rmap walk to a VMA of private memory': rmapWalks,
    'khugepaged looks at a VMA of private memory': scanned,
  };
  return { ...view.counts, ...Object.fromEntries(Object.entries(work).filter(([, count]) => count > 0)) };
}
