import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import type { PfnMap } from './pfn-map.ts';

/** Consecutive frames as a cache or a page table holds them: frame `pfn + k` stands at `index + k * stride`. */
export interface FrameUse {
  pfn: number;
  count: number;
  stride: number;
  index: number;
  map: PfnMap;
  /** Whose page table it is; null for a page cache or the swap cache. */
  mm: Mm | null;
  /** The gmem whose page cache it is; null for every other. */
  gmem: Inode | null;
}

/**
 * Who holds the frames of a range, by frame: what rmap_walk finds for single folios, for many at once. Shadow VMAs, which have no entries
 * of their own, are not in it, and neither is what the kernel itself holds, or a gmem that nothing may move.
 */
export function frameUses(kernel: Kernel, start: number, count: number): FrameUse[] {
  const end = start + count;
  const out: FrameUse[] = [];
  const collect = (map: PfnMap, mm: Mm | null, gmem: Inode | null = null): void =>
    map.forEach(0, Number.MAX_SAFE_INTEGER, (index, n, period, lanes) => {
      let lane = index;
      forEachLane(n, period, lanes, (pfn, length) => {
        const first = lane++;
        const from = Math.max(start, pfn);
        const to = Math.min(end, pfn + length);
        if (from >= to) return;
        out.push({
          pfn: from,
          count: to - from,
          stride: period,
          index: first + (from - pfn) * period,
          map,
          mm,
          gmem,
        });
      });
    });
  for (const inode of kernel.inodes) {
    if (inode.kind !== 'gmem') collect(inode.cache, null);
    else if (kernel.hooks.mayMigrate(inode)) collect(inode.cache, null, inode);
  }
  collect(kernel.swap.frameOf, null);
  for (const { mm } of kernel.processes.values()) if (mm) collect(mm.pt, mm);
  return out.sort((a, b) => a.pfn - b.pfn);
}

/** The part of a use that lies in a range of frames; null when none does. */
export function clipUse(use: FrameUse, start: number, end: number): FrameUse | null {
  const from = Math.max(start, use.pfn);
  const to = Math.min(end, use.pfn + use.count);
  if (from >= to) return null;
  return { ...use, pfn: from, count: to - from, index: use.index + (from - use.pfn) * use.stride };
}

/** Goes through uses in the order of their frames, range by range, forward only. */
export class UseSweep {
  readonly #uses: readonly FrameUse[];
  #next = 0;
  #open: FrameUse[] = [];

  constructor(uses: readonly FrameUse[]) {
    this.#uses = uses;
  }

  /** First frame at or after `pfn` that anybody holds; Infinity when there is none. */
  nextFrom(pfn: number): number {
    this.#advance(pfn, pfn + 1);
    if (this.#open.length > 0) return pfn;
    return this.#uses[this.#next]?.pfn ?? Infinity;
  }

  /** What holds frames of a range; `start` never goes down from call to call. */
  within(start: number, end: number): FrameUse[] {
    this.#advance(start, end);
    const out: FrameUse[] = [];
    for (const use of this.#open) {
      const part = clipUse(use, start, end);
      if (part) out.push(part);
    }
    return out;
  }

  #advance(start: number, end: number): void {
    this.#open = this.#open.filter((use) => use.pfn + use.count > start);
    for (; this.#next < this.#uses.length && this.#uses[this.#next]!.pfn < end; this.#next++) {
      const use = this.#uses[this.#next]!;
      if (use.pfn + use.count > start) this.#open.push(use);
    }
  }
}
