import type { Kernel } from './kernel.ts';
import type { SlotRun } from './swap-area.ts';

/** A stretch of frames that cache consecutive slots. */
interface CachedRun {
  pfn: number;
  slot: number;
  count: number;
}

/** Folios that hold what their slots hold (mm/swap_state.c:add_to_swap_cache). */
export function addToSwapCache(kernel: Kernel, pfn: number, slot: number, count: number): void {
  kernel.swap.slotOf.setRun(pfn, count, 1, [slot]);
  kernel.swap.frameOf.setRun(slot, count, 1, [pfn]);
  countCached(kernel, pfn, count, 1);
}

/**
 * Takes the frames of a range out of the swap cache (delete_from_swap_cache). Slots that nothing else stands for are free then, unless the
 * caller is about to make entries for them (`keepSlots`).
 */
export function dropSwapCache(kernel: Kernel, pfn: number, count: number, keepSlots: boolean = false): void {
  for (const run of takeRuns(kernel, pfn, count)) {
    countCached(kernel, run.pfn, run.count, -1);
    if (keepSlots) continue;
    const unused: SlotRun[] = [];
    kernel.swap.slots.forEach(run.slot, run.count, (slot, n, _id, refs) => {
      if (refs === 0) unused.push({ slot, count: n });
    });
    for (const { slot, count: n } of unused) freeSlots(kernel, slot, n);
  }
}

/** Migration takes the place in the swap cache along: frames from `to` on are now what those from `from` on were. */
export function moveSwapCache(kernel: Kernel, from: number, to: number, count: number): void {
  for (const run of takeRuns(kernel, from, count)) {
    const target = to + run.pfn - from;
    countCached(kernel, target, run.count, -1, run.pfn - target);
    addToSwapCache(kernel, target, run.slot, run.count);
  }
}

/** Stretches of a range that are in the swap cache. */
export function cachedRuns(kernel: Kernel, pfn: number, count: number): CachedRun[] {
  const runs: CachedRun[] = [];
  if (kernel.swap.slotOf.size === 0) return runs;
  kernel.swap.slotOf.forEach(pfn, count, (at, n, period, lanes) => {
    // Runs of several lanes do not come of what is entered here, lane by lane.
    if (period > 1) throw new Error(`swap cache of frame ${at}: ${period} lanes`);
    runs.push({ pfn: at, slot: lanes[0]!, count: n });
  });
  return runs;
}

/** Parts of a range of unmapped frames that nobody else may come back to: a swap cache folio stays while its slot has an entry (free_swap_cache). */
export function unneeded(kernel: Kernel, pfn: number, count: number): { pfn: number; count: number }[] {
  const out: { pfn: number; count: number }[] = [];
  let at = pfn;
  for (const run of cachedRuns(kernel, pfn, count)) {
    kernel.swap.slots.forEach(run.slot, run.count, (slot, n, _id, refs) => {
      if (refs === 0) return;
      const from = run.pfn + slot - run.slot;
      if (from > at) out.push({ pfn: at, count: from - at });
      at = from + n;
    });
  }
  if (at < pfn + count) out.push({ pfn: at, count: pfn + count - at });
  return out;
}

/** A slot that nothing stands for and nothing caches. */
export function freeSlots(kernel: Kernel, slot: number, count: number): void {
  kernel.swap.slots.free(slot, count, (_start, n, id) => kernel.classes.get(id).memcg.chargeSwap(-n));
  kernel.swap.release(slot, count);
}

function takeRuns(kernel: Kernel, pfn: number, count: number): CachedRun[] {
  const runs = cachedRuns(kernel, pfn, count);
  for (const run of runs) {
    kernel.swap.slotOf.clear(run.pfn, run.count);
    kernel.swap.frameOf.clear(run.slot, run.count);
  }
  return runs;
}

/**
 * NR_SWAPCACHE; the node counts such a folio as page cache, too, its memcg does not. `shift` leads from the frames to those on whose node they
 * count.
 */
function countCached(kernel: Kernel, pfn: number, count: number, sign: 1 | -1, shift: number = 0): void {
  kernel.frames.forEach(pfn, count, (start, n, id) => {
    const nid = kernel.nidOf(start + shift);
    kernel.nodes[nid]!.add('nr_swapcached', sign * n);
    kernel.nodes[nid]!.add('nr_file_pages', sign * n);
    kernel.classes.get(id).memcg.add('swapcached', nid, sign * n);
  });
}
