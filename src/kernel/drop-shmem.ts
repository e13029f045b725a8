import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { removePages } from './page-cache.ts';
import { type Stretch, stretchesOf } from './stretches.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/**
 * What drop_caches takes of tmpfs files, whose super block it visits like any other (mm/truncate.c:mapping_evict_folio): folios that are clean,
 * not locked and mapped by nobody, such as those that a write to a private mapping left behind. Huge folios go as a whole or not at all.
 * Returns how many pages went.
 */
export function dropShmem(kernel: Kernel): number {
  let freed = 0;
  for (const inode of kernel.inodes) {
    if (inode.kind !== 'shmem' || inode.cache.size === 0) continue;
    for (const stretch of stretchesOf(kernel, (visit) => inode.cache.forEach(0, 2 ** 40, visit))) {
      const { dirty, mlocked } = stretch.folioClass;
      if (dirty || mlocked || stretch.maps > 0) continue;
      const { at, count } = wholeFolios(stretch);
      if (count <= 0) continue;
      evictCached(kernel, inode, at, count);
      freed += count;
    }
  }
  return freed;
}

/** Frees pages of a tmpfs file that are clean and that nobody maps (mm/vmscan.c:remove_mapping): the file does not learn of it. */
export function evictCached(kernel: Kernel, inode: Inode, index: number, count: number): void {
  removePages(kernel, inode, index, count);
  if (inode.reservesWhole) return;
  inode.evictedPages += count;
  kernel.committed += count;
}

/** The part of a stretch of a file that holds all of its folios; huge ones begin at multiples of their size. */
function wholeFolios({ at, count, folioClass }: Stretch): { at: number; count: number } {
  if (folioClass.order === 0) return { at, count };
  const from = Math.ceil(at / PAGES_PER_PMD) * PAGES_PER_PMD;
  return { at: from, count: Math.floor((at + count) / PAGES_PER_PMD) * PAGES_PER_PMD - from };
}
