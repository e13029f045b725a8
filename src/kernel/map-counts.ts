import type { FolioClass } from './folio-class.ts';
import { freeFolios } from './folios.ts';
import { freeUnmappedHuge } from './huge-folios.ts';
import type { Kernel } from './kernel.ts';
import type { Mm, RssCounters } from './mm.ts';
import { unneeded } from './swap-cache.ts';
import { forEachLane } from './page-allocator.ts';

/** Which RSS counter a folio raises where a page table maps it (include/linux/mm.h:mm_counter). */
export function rssCounter(folioClass: FolioClass): keyof RssCounters {
  if (folioClass.kind === 'anon') return 'anon';
  return folioClass.kind === 'shmem' ? 'shmem' : 'file';
}

/** Counts new page-table entries of an address space for consecutive frames. */
export function accountMaps(kernel: Kernel, mm: Mm, pfn: number, count: number): void {
  kernel.frames.addMaps(pfn, count, 1, (start, length, id, maps) => {
    const folioClass = kernel.classes.get(id);
    mm.rss[rssCounter(folioClass)] += length;
    if (maps === 0) accountMapped(kernel, folioClass, kernel.nidOf(start), length);
  });
}

/** Takes entries for frames off the books of an address space. Anonymous folios that nothing maps any more are freed. */
export function unmapFrames(
  kernel: Kernel,
  mm: Mm,
  count: number,
  period: number,
  lanes: readonly number[],
): void {
  forEachLane(count, period, lanes, (pfn, n) => {
    const dead: { pfn: number; count: number; isHuge: boolean }[] = [];
    kernel.frames.addMaps(pfn, n, -1, (start, length, id, maps) => {
      const folioClass = kernel.classes.get(id);
      mm.rss[rssCounter(folioClass)] -= length;
      if (maps !== 1) return;
      accountMapped(kernel, folioClass, kernel.nidOf(start), -length);
      if (folioClass.kind === 'anon') dead.push({ pfn: start, count: length, isHuge: folioClass.order > 0 });
    });
    for (const run of dead) {
      if (run.isHuge) freeUnmappedHuge(kernel, run.pfn, run.count);
      else
        for (const { pfn: start, count } of unneeded(kernel, run.pfn, run.count))
          freeFolios(kernel, start, count);
    }
  });
}

/** Counts folios that page tables map now, or no longer do. */
export function accountMapped(kernel: Kernel, folioClass: FolioClass, nid: number, pages: number): void {
  const node = kernel.nodes[nid]!;
  if (folioClass.kind === 'anon') {
    node.add('nr_anon_pages', pages);
    folioClass.memcg.add('anon', nid, pages);
  } else {
    node.add('nr_mapped', pages);
    folioClass.memcg.add('file_mapped', nid, pages);
  }
}
