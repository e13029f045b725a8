import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { indexOf, type Vma } from './vma.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/** Pages of a file, from `index` on. */
interface Pages {
  index: number;
  count: number;
}

/** The folio that a cached page of a file is part of; null when the page is one of its own. */
function largeFolioAt(kernel: Kernel, inode: Inode, index: number): Pages | null {
  if (kernel.hugeFolios.size === 0) return null;
  const pfn = inode.cache.get(index);
  if (pfn < 0 || kernel.classes.get(kernel.frames.classOf(pfn)).order === 0) return null;
  return { index: index - (pfn % PAGES_PER_PMD), count: PAGES_PER_PMD };
}

/** A range of a file, and the folios at its ends as a whole. */
function wholeFolios(kernel: Kernel, inode: Inode, index: number, count: number): Pages {
  const first = largeFolioAt(kernel, inode, index)?.index ?? index;
  const last = largeFolioAt(kernel, inode, index + count - 1);
  return { index: first, count: (last ? last.index + last.count : index + count) - first };
}

/** Folios of a range that were only fallocated are cleared, and PG_uptodate from now on (mm/shmem.c:shmem_get_folio_gfp). */
export function touchFolios(kernel: Kernel, inode: Inode, index: number, count: number): void {
  if (inode.untouched.size === 0) return;
  const whole = wholeFolios(kernel, inode, index, count);
  inode.untouched.remove(whole.index, whole.count);
}

/** Addresses of the large folio that holds a page of a VMA, if it lies in the VMA and in one page table. */
function folioAddresses(kernel: Kernel, vma: Vma, vpn: number): { start: number; end: number } | null {
  const folio = largeFolioAt(kernel, vma.file!, indexOf(vma, vpn));
  if (!folio) return null;
  const start = vma.start + folio.index - vma.pgoff;
  const end = start + folio.count;
  const isInTable = Math.floor(start / PAGES_PER_PMD) === Math.floor((end - 1) / PAGES_PER_PMD);
  return start >= vma.start && end <= vma.end && isInTable ? { start, end } : null;
}

/**
 * What a fault on unmapped pages of tmpfs maps, which may be more than was asked for: large folios at its ends as a whole, if they lie in
 * the VMA and in one page table, and none of their pages is mapped (mm/memory.c:finish_fault). A read of folios that are up to date gets no
 * further than fault-around.
 */
export function faultedRange(
  kernel: Kernel,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
  isWrite: boolean,
): { vpn: number; count: number } {
  const { untouched } = vma.file!;
  let from = vpn;
  let to = vpn + count;
  for (const at of [vpn, vpn + count - 1]) {
    if (!isWrite && !untouched.has(indexOf(vma, at))) continue;
    const folio = folioAddresses(kernel, vma, at);
    if (!folio) continue;
    let isMapped = false;
    mm.pt.forEach(folio.start, folio.end - folio.start, () => {
      isMapped = true;
    });
    if (isMapped) continue;
    from = Math.min(from, folio.start);
    to = Math.max(to, folio.end);
  }
  return { vpn: from, count: to - from };
}

/** A window of fault-around, with the large folios at its ends as a whole where the kernel maps these (mm/filemap.c:filemap_map_folio_range). */
export function aroundRange(
  kernel: Kernel,
  vma: Vma,
  from: number,
  to: number,
): { from: number; to: number } {
  if (!kernel.profile.aroundMapsFolios) return { from, to };
  const first = folioAddresses(kernel, vma, from)?.start ?? from;
  return { from: first, to: folioAddresses(kernel, vma, to - 1)?.end ?? to };
}
