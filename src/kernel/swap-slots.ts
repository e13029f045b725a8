import type { FolioClass } from './folio-class.ts';
import { freeFolios } from './folios.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import type { SlotRun } from './swap-area.ts';
import { freeSlots } from './swap-cache.ts';

/**
 * Takes up to `count` slots for folios of a class, as far as swap space and memory.swap.max go
 * (mm/memcontrol.c:__mem_cgroup_try_charge_swap).
 */
export function takeSlots(kernel: Kernel, folioClass: FolioClass, count: number): SlotRun[] {
  const { memcg } = folioClass;
  const runs = kernel.swap.take(Math.min(count, memcg.swapRoom()));
  for (const run of runs) {
    kernel.swap.slots.allocate(run.slot, run.count, folioClass.id);
    memcg.chargeSwap(run.count);
  }
  return runs;
}

/** One more entry for each slot (mm/swapfile.c:swap_duplicate). */
export function getSlots(kernel: Kernel, slot: number, count: number): void {
  kernel.swap.slots.addMaps(slot, count, 1, () => undefined);
}

/**
 * One entry less for each slot (free_swap_and_cache). Those that nothing stands for any more are free, together with frames that only
 * cache them; a mapped frame goes on to hold its slot.
 */
export function putSlots(kernel: Kernel, slot: number, count: number): void {
  const { swap, frames } = kernel;
  const unused: SlotRun[] = [];
  swap.slots.addMaps(slot, count, -1, (start, n, _id, refs) => {
    if (refs === 1) unused.push({ slot: start, count: n });
  });
  for (const run of unused) {
    const uncached: SlotRun[] = [];
    const unmapped: { pfn: number; count: number }[] = [];
    swap.frameOf.forEachGap(run.slot, run.count, (at, n) => uncached.push({ slot: at, count: n }));
    swap.frameOf.forEach(run.slot, run.count, (_at, n, period, lanes) => {
      forEachLane(n, period, lanes, (pfn, length) => {
        frames.forEach(pfn, length, (start, m, _id, maps) => {
          if (maps === 0) unmapped.push({ pfn: start, count: m });
        });
      });
    });
    for (const { slot: at, count: n } of uncached) freeSlots(kernel, at, n);
    for (const { pfn, count: n } of unmapped) freeFolios(kernel, pfn, n);
  }
}

/** Entries of a page table that stand for slots go (mm/memory.c:zap_pte_range). */
export function zapSwapped(kernel: Kernel, mm: Mm, vpn: number, count: number): void {
  const gone: SlotRun[] = [];
  mm.swapped.clear(vpn, count, (_at, n, period, lanes) => {
    mm.rss.swap -= n;
    forEachLane(n, period, lanes, (slot, length) => gone.push({ slot, count: length }));
  });
  for (const run of gone) putSlots(kernel, run.slot, run.count);
}

/** Entries of a page cache that stand for slots go (mm/shmem.c:shmem_free_swap). */
export function truncateSwapped(kernel: Kernel, inode: Inode, index: number, count: number): void {
  const gone: SlotRun[] = [];
  inode.swapped.clear(index, count, (_at, n, period, lanes) => {
    if (!inode.reservesWhole) kernel.committed -= n;
    forEachLane(n, period, lanes, (slot, length) => gone.push({ slot, count: length }));
  });
  for (const run of gone) putSlots(kernel, run.slot, run.count);
}

/** fork copies the entries (mm/memory.c:copy_nonpresent_pte). Returns the stretches of pages that have one. */
export function copySwapped(
  kernel: Kernel,
  from: Mm,
  to: Mm,
  vpn: number,
  count: number,
): { vpn: number; count: number }[] {
  const copied: { vpn: number; count: number }[] = [];
  from.swapped.forEach(vpn, count, (at, n, period, lanes) => {
    to.swapped.setRun(at, n, period, lanes);
    to.rss.swap += n;
    forEachLane(n, period, lanes, (slot, length) => getSlots(kernel, slot, length));
    copied.push({ vpn: at, count: n });
  });
  return copied;
}
