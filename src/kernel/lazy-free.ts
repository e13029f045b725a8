import type { Errno } from '../units/errno.ts';
import { DIRTIED, type FolioClass } from './folio-class.ts';
import { accountFolios } from './folios.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import { splitHuge } from './split-huge.ts';
import { gapsBetween, partOf, type Stretch, stretchesOf, type Walk } from './stretches.ts';
import { cachedRuns, dropSwapCache } from './swap-cache.ts';
import { zapSwapped } from './swap-slots.ts';
import type { Vma } from './vma.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/**
 * MADV_FREE (mm/madvise.c:madvise_free_pte_range): pages of a private mapping without a file are clean from now on and the first to go; those
 * that are out in swap are gone at once. A huge folio goes as a whole, and is split where the range cuts it. Of what a fork shares only the
 * caller's entries become clean, and huge folios and those that are dirty by themselves stay as they are.
 */
export function freeLazily(kernel: Kernel, mm: Mm, vma: Vma, vpn: number, count: number): Errno | 0 {
  if (vma.file || vma.isLocked) return 'EINVAL';
  if (mm.swapped.size > 0) zapSwapped(kernel, mm, vpn, count);
  const walk: Walk = (visit) => mm.pt.forEach(vpn, count, visit);
  splitHuge(kernel, [mm], (visit) => {
    for (const { at, count: pages, period, lanes, maps } of stretchesOf(kernel, walk)) {
      if (maps !== 1) continue;
      if (period > 1) visit(at, pages, period, lanes);
      else forEachCut(lanes[0]!, pages, (pfn, n) => visit(at + pfn - lanes[0]!, n, 1, [pfn]));
    }
  });
  for (const stretch of stretchesOf(kernel, walk)) {
    const { folioClass, maps } = stretch;
    const isLeft = folioClass.order > 0 || (folioClass.marks & DIRTIED) !== 0;
    if (maps > 1 && !isLeft) cleanShared(kernel, mm, stretch);
    else if (maps === 1 && !folioClass.mlocked) giveUp(kernel, stretch, false);
  }
  return 0;
}

/** What consecutive frames have of the blocks at their ends, which they hold only in part. */
function forEachCut(pfn: number, count: number, visit: (pfn: number, count: number) => void): void {
  const end = pfn + count;
  const [first, last] = [Math.ceil(pfn / PAGES_PER_PMD), Math.floor(end / PAGES_PER_PMD)];
  if (first > last) {
    visit(pfn, count);
    return;
  }
  if (pfn < first * PAGES_PER_PMD) visit(pfn, first * PAGES_PER_PMD - pfn);
  if (last * PAGES_PER_PMD < end) visit(last * PAGES_PER_PMD, end - last * PAGES_PER_PMD);
}

/** Entries of the caller for what others map, too: clean, and without the accessed bit. The swap cache keeps a folio from that. */
function cleanShared(kernel: Kernel, mm: Mm, stretch: Stretch): void {
  const first = stretch.lanes[0]!;
  const cached = stretch.period === 1 ? cachedRuns(kernel, first, stretch.count) : [];
  const parts =
    cached.length === 0 ? [{ pfn: first, count: stretch.count }] : gapsBetween(first, stretch.count, cached);
  for (const { pfn, count } of parts) {
    const part = partOf(stretch, pfn - first, count);
    mm.cleanedPages.add(part.at, count);
    if (kernel.profile.freeClearsYoung) mm.oldPages.add(part.at, count);
    if (!stretch.folioClass.mlocked)
      giveUp(kernel, part, stretch.folioClass.dirty && isDirtyElsewhere(kernel, part));
  }
}

/** Whether anybody has a dirty entry for the pages: a forked process has them at the same addresses. */
function isDirtyElsewhere(kernel: Kernel, { at, count, lanes }: Stretch): boolean {
  for (const { mm } of kernel.processes.values()) {
    if (mm && mm.pt.get(at) === lanes[0] && mm.cleanedPages.countIn(at, count) < count) return true;
  }
  return false;
}

/** folio_mark_lazyfree: folios go to the list of old page cache. */
function giveUp(kernel: Kernel, { count, period, lanes, folioClass }: Stretch, dirty: boolean): void {
  const { memcg, allocator, order } = folioClass;
  const after: FolioClass = kernel.classes.of('anon', null, memcg, allocator, dirty, false, order, 'lazy');
  forEachLane(count, period, lanes, (pfn, n) => {
    dropSwapCache(kernel, pfn, n);
    accountFolios(kernel, folioClass, kernel.nidOf(pfn), -n);
    accountFolios(kernel, after, kernel.nidOf(pfn), n);
    kernel.frames.reclass(pfn, n, () => after.id);
  });
  kernel.hasAgedFolios = true;
  if (folioClass.age === 'lazy') return;
  kernel.event('pglazyfree', count);
  memcg.vmEvent('pglazyfree', count);
}
