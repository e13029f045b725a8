import type { Errno } from '../units/errno.ts';
import { accountFolios } from './folios.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import { splitHuge } from './split-huge.ts';
import { dropSwapCache } from './swap-cache.ts';
import { zapSwapped } from './swap-slots.ts';
import type { Vma } from './vma.ts';

/**
 * MADV_FREE (mm/madvise.c:madvise_free_pte_range): pages of a private mapping without a file are clean from now on and the first to go; those
 * that are out in swap are gone at once. What a fork shares, or mlock holds, stays as it is.
 */
export function freeLazily(kernel: Kernel, mm: Mm, vma: Vma, vpn: number, count: number): Errno | 0 {
  if (vma.file || vma.isLocked) return 'EINVAL';
  if (mm.swapped.size > 0) zapSwapped(kernel, mm, vpn, count);
  splitHuge(kernel, [mm], (visit) => mm.pt.forEach(vpn, count, visit));
  const { classes, frames } = kernel;
  const given: { pfn: number; pages: number; id: number }[] = [];
  mm.pt.forEach(vpn, count, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (first, length) => {
      frames.forEach(first, length, (pfn, pages, id, maps) => {
        if (maps === 1 && !classes.get(id).mlocked) given.push({ pfn, pages, id });
      });
    });
  });
  for (const { pfn, pages, id } of given) {
    dropSwapCache(kernel, pfn, pages);
    const before = classes.get(id);
    const { memcg, allocator } = before;
    const after = classes.of('anon', null, memcg, allocator, false, false, 0, 'lazy');
    accountFolios(kernel, before, kernel.nidOf(pfn), -pages);
    accountFolios(kernel, after, kernel.nidOf(pfn), pages);
    frames.reclass(pfn, pages, () => after.id);
    kernel.event('pglazyfree', pages);
    memcg.vmEvent('pglazyfree', pages);
  }
  if (given.length > 0) kernel.hasAgedFolios = true;
  return 0;
}
