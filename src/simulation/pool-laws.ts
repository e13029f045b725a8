import { forEachNode } from '../kernel/hugetlb-pool.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { RangeSet } from '../kernel/range-set.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import type { World } from './world.ts';

/** Every huge page of a node is either free in its pool or in a file or a private mapping; promises are covered by free pages. */
export function checkPool(world: World): void {
  const { kernel } = world;
  const pool = kernel.hugetlb;
  if (pool.total === 0) return;
  const used = kernel.nodes.map(() => 0);
  usedPages(kernel).forEachRun(0, 2 ** 40, (page, n) => {
    forEachNode(kernel, page * PAGES_PER_PMD, n * PAGES_PER_PMD, (nid, _pfn, frames) => {
      used[nid] = used[nid]! + frames / PAGES_PER_PMD;
    });
  });
  pool.nodes.forEach(({ total, free }, nid) => {
    if (total === free.size + used[nid]!) return;
    const words = `node ${nid} has ${used[nid]} huge pages in use and ${free.size} free, but ${total} in all`;
    world.report('law', 'huge-pages-conserved', words);
  });
  if (pool.reserved < 0 || pool.reserved > pool.free) {
    const words = `${pool.reserved} huge pages are promised and ${pool.free} are free`;
    world.report('hazard', 'huge-page-promises', words);
  }
}

/** Huge pages in page caches and private mappings, by frame number over 512. */
function usedPages(kernel: Kernel): RangeSet {
  const used = new RangeSet();
  const add = (_at: number, n: number, _period: number, lanes: readonly number[]): void =>
    used.add(lanes[0]! / PAGES_PER_PMD, n / PAGES_PER_PMD);
  for (const inode of kernel.inodes) {
    if (inode.kind === 'hugetlb') inode.cache.forEach(0, 2 ** 40, add);
  }
  for (const { mm } of kernel.processes.values()) {
    for (const vma of mm?.vmas ?? []) {
      if (vma.hugetlb && !vma.shared) mm!.pt.forEach(vma.start, vma.end - vma.start, add);
    }
  }
  return used;
}
