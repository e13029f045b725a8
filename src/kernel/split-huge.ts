import { splitHugeFolios } from './huge-folios.ts';
import { splitHugeEntry } from './huge-maps.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import type { Walk } from './stretches.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/**
 * Splits the huge folios among what `walk` visits, and the huge entries of the given address spaces that map them. Linux may write one as a
 * whole where swap has 512 slots in a row.
 */
export function splitHuge(kernel: Kernel, mms: Iterable<Mm | null>, walk: Walk): void {
  if (kernel.hugeFolios.size === 0) return;
  const spaces = [...mms];
  for (const head of hugeIn(kernel, walk)) {
    for (const mm of spaces) {
      if (!mm) continue;
      const blocks: number[] = [];
      mm.hugeBlocks.forEachRun(0, 2 ** 30, (block, n) => {
        for (let k = 0; k < n; k++)
          if (mm.pt.get((block + k) * PAGES_PER_PMD) === head) blocks.push(block + k);
      });
      for (const block of blocks) splitHugeEntry(kernel, mm, block);
    }
    splitHugeFolios(kernel, head, 1);
  }
}

const hugeHead = (pfn: number): number => Math.floor(pfn / PAGES_PER_PMD) * PAGES_PER_PMD;

/** First frames of the huge folios among what `walk` visits. */
function hugeIn(kernel: Kernel, walk: Walk): Set<number> {
  const heads = new Set<number>();
  walk((_, count, period, lanes) => {
    forEachLane(count, period, lanes, (pfn, n) => {
      kernel.frames.forEach(pfn, n, (start, pages, id) => {
        if (kernel.classes.get(id).order === 0) return;
        for (let at = hugeHead(start); at < start + pages; at += PAGES_PER_PMD) heads.add(at);
      });
    });
  });
  return heads;
}
