import type { Errno } from '../units/errno.ts';
import type { FolioClass } from './folio-class.ts';
import { frameUses } from './frame-uses.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { BLOCK_PAGES } from './memory-blocks.ts';
import { splitHugeRange } from './migrate-huge.ts';
import { removePages } from './page-cache.ts';
import { takePieces, zoneOf } from './page-allocator.ts';
import { along } from './placement.ts';
import { mayTake, relocate } from './relocate.ts';
import type { Task } from './task.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

const REQUEST = { mode: 'sync', reason: 'memory-failure' } as const;

/**
 * Takes a frame out of use without loss (mm/memory-failure.c:soft_offline_page): a free one at once; a clean page of a file that no page table of
 * a process maps is dropped from the file (mapping_evict_folio), whatever KVM has mapped and whatever the file is; everything else moves
 * first. ENXIO: no such frame; EIO: kernel memory; EBUSY: it could not be moved. Simplified: hugetlb pages are busy, where Linux moves them.
 */
export function softOffline(kernel: Kernel, task: Task, pfn: number): Errno | 0 {
  const isThere =
    !kernel.offlineBlocks.has(Math.floor(pfn / BLOCK_PAGES)) &&
    kernel.zones.some((zone) => zone.intersects(pfn, 1));
  if (!isThere) return 'ENXIO';
  if (kernel.poisoned.has(pfn)) return 0;
  const id = kernel.frames.classOf(pfn);
  if (id === 0) {
    zoneOf(kernel, pfn).drain();
    return zoneOf(kernel, pfn).freeIn(pfn, 1) === 1 ? retire(kernel, pfn) : 'EIO';
  }
  const { kind, order } = kernel.classes.get(id);
  if (kind === 'kernel') return 'EIO';
  if (kind === 'hugetlb') return 'EBUSY';
  if (order > 0) {
    splitHugeRange(kernel, { pfn: Math.floor(pfn / PAGES_PER_PMD) * PAGES_PER_PMD, count: PAGES_PER_PMD });
  }
  const folio = kernel.classes.get(kernel.frames.classOf(pfn));
  return evict(kernel, folio, pfn) || moveAway(kernel, task, folio, pfn) ? retire(kernel, pfn) : 'EBUSY';
}

/** mm/truncate.c:mapping_evict_folio. Returns whether the page is gone from its file. */
function evict(kernel: Kernel, { inode, dirty, kind }: FolioClass, pfn: number): boolean {
  if (!inode || kind === 'anon' || dirty || kernel.frames.mapCountOf(pfn) > 0) return false;
  const index = indexInFile(inode, pfn);
  if (index === null) return false;
  removePages(kernel, inode, index, 1);
  if (kind === 'gmem') kernel.gmemLeftFrames({ inode, pfn, count: 1, index, stride: 1 });
  kernel.log.push(`Soft offline: 0x${pfn.toString(16)}: invalidated`);
  return true;
}

/** migrate_pages() of the one folio. Returns whether it moved. */
function moveAway(kernel: Kernel, task: Task, { kind, inode }: FolioClass, pfn: number): boolean {
  if (!mayTake(kernel, kind, inode)) {
    if (inode) {
      kernel.gmemMigrated({ inode, reason: REQUEST.reason, moved: 0, failed: 1, errno: 'EOPNOTSUPP' });
    }
    kernel.event('pgmigrate_fail', 1);
    return false;
  }
  const uses = frameUses(kernel, pfn, 1);
  const where = along(kernel.zonelists[kernel.nidOf(pfn)]!);
  const [target] = uses.length > 0 ? takePieces(kernel, task, where, 1, true, false) : [];
  if (!target) return false;
  const gone = relocate(kernel, uses, [{ from: pfn, to: target.pfn, count: 1 }], REQUEST);
  if (gone.length === 0) kernel.event('pgmigrate_fail', 1);
  return gone.length > 0;
}

/** page_handle_poison: a free frame leaves the buddy allocator for good. */
function retire(kernel: Kernel, pfn: number): 0 {
  const zone = zoneOf(kernel, pfn);
  zone.drain();
  zone.takeAt(pfn, 1);
  kernel.poisoned.add(pfn, 1);
  return 0;
}

function indexInFile(inode: Inode, pfn: number): number | null {
  let found: number | null = null;
  inode.cache.forEach(0, Number.MAX_SAFE_INTEGER, (index, count, period, lanes) => {
    for (let lane = 0; lane < period && found === null; lane++) {
      const k = (pfn - lanes[lane]!) * period + lane;
      if (k >= lane && k < count) found = index + k;
    }
  });
  return found;
}
