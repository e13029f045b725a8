import { accessRange, type AccessResult } from './fault.ts';
import { REFERENCED } from './folio-class.ts';
import { markAnonymous } from './folio-flags.ts';
import { forEachLevel } from './huge-maps.ts';
import type { Kernel } from './kernel.ts';
import { forEachLane } from './page-allocator.ts';
import type { Task } from './task.ts';

/**
 * Faults in a range for a system call (mm/gup.c:populate_vma_page_range, faultin_page_range): the kernel looks every page up, which leaves it
 * referenced, if one entry does not map it as part of a huge one (mm/gup.c:follow_page_pte, not touch_pmd). `isLock`: folios that are there already are on the unevictable list by then, and are left as they are. Linux also leaves out every
 * 31st of the new ones, which completes a batch on its way to that list.
 */
export function populateRange(
  kernel: Kernel,
  task: Task,
  vpn: number,
  count: number,
  isWrite: boolean,
  isLock: boolean,
): AccessResult {
  const mm = task.process.mm!;
  const parts: { at: number; n: number }[] = [];
  if (isLock) mm.pt.forEachGap(vpn, count, (at, n) => parts.push({ at, n }));
  else parts.push({ at: vpn, n: count });
  const failed = accessRange(kernel, task, vpn, count, isWrite);
  for (const { at, n } of parts) {
    forEachLevel(mm, at, n, (from, pages, isHuge) => {
      if (isHuge) return;
      mm.pt.forEach(from, pages, (_, length, period, lanes) =>
        forEachLane(length, period, lanes, (pfn, k) => markAnonymous(kernel, pfn, k, REFERENCED)),
      );
    });
  }
  return failed;
}
