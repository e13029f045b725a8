import { PAGE_SIZE } from '../units/pages.ts';
import { RangeSet } from './range-set.ts';

/** Orders 0..10, as MAX_PAGE_ORDER on x86-64. */
export const MAX_ORDER = 10;

const FOUR_GIB = 2 ** 32;

export type ZoneName = 'DMA' | 'DMA32' | 'Normal' | 'Movable';

/**
 * One zone with its buddy allocator. Buddies merge whenever both halves are free, so the free lists are a function of the set
 * of free frames: the zone keeps that set as extents and derives blocks and orders from it (mm/page_alloc.c:__free_one_page).
 * Order-0 requests use up fragments before they break whole pageblocks, as taking the smallest sufficient block does.
 */
export class Zone {
  readonly nid: number;
  readonly name: ZoneName;
  readonly startPfn: number;
  readonly pages: number;
  min = 0;
  low = 0;
  high = 0;
  /** lowmem_reserve against allocations that could use a higher zone. */
  reserve = 0;
  readonly #free = new RangeSet();
  /** The stretch that single-page requests are being served from; still free. Plays the per-CPU page list. */
  #cursor = 0;
  #cursorEnd = 0;

  constructor(config: { nid: number; name: ZoneName; startPfn: number; pages: number }) {
    this.nid = config.nid;
    this.name = config.name;
    this.startPfn = config.startPfn;
    this.pages = config.pages;
    this.#free.add(config.startPfn, config.pages);
  }

  /** Free frames, those parked in the cursor included. */
  get freePages(): number {
    return this.#free.size + this.#cursorEnd - this.#cursor;
  }

  /** Takes one frame, or -1 when the zone is empty. */
  takeOne(): number {
    if (this.#cursor === this.#cursorEnd) this.#refill();
    return this.#cursor === this.#cursorEnd ? -1 : this.#cursor++;
  }

  /** Takes up to `max` consecutive frames; count is 0 when the zone is empty. */
  takeRun(max: number): { pfn: number; count: number } {
    if (this.#cursor === this.#cursorEnd) this.#refill(max);
    const count = Math.min(max, this.#cursorEnd - this.#cursor);
    const pfn = this.#cursor;
    this.#cursor += count;
    return { pfn, count };
  }

  /** Takes an aligned block of 2^order frames, or -1: the lowest one in the smallest stretch that has one. */
  takeBlock(order: number): number {
    this.#park();
    const size = 2 ** order;
    let best = -1;
    let bestLength = Infinity;
    this.#free.forEachRun(this.startPfn, this.pages, (start, count) => {
      const aligned = Math.ceil(start / size) * size;
      if (aligned + size <= start + count && count < bestLength) {
        best = aligned;
        bestLength = count;
      }
    });
    if (best >= 0) this.#free.remove(best, size);
    return best;
  }

  /** Gives frames back. Throws when one of them is free already. */
  free(pfn: number, count: number): void {
    const before = this.#free.size;
    this.#free.add(pfn, count);
    const overlapsCursor = pfn < this.#cursorEnd && this.#cursor < pfn + count;
    if (this.#free.size !== before + count || overlapsCursor) {
      throw new Error(`double free in node ${this.nid} zone ${this.name}: frames ${pfn}+${count}`);
    }
  }

  /** Free blocks per order: the zone's line of /proc/buddyinfo. */
  freeByOrder(): number[] {
    this.#park();
    const counts = Array.from({ length: MAX_ORDER + 1 }, () => 0);
    const top = 2 ** MAX_ORDER;
    this.#free.forEachRun(this.startPfn, this.pages, (start, count) => {
      let at = start;
      const end = start + count;
      while (at < end) {
        if (at % top === 0 && end - at >= top) {
          const blocks = Math.floor((end - at) / top);
          counts[MAX_ORDER] = counts[MAX_ORDER]! + blocks;
          at += blocks * top;
          continue;
        }
        let order = 0;
        while (order < MAX_ORDER && at % 2 ** (order + 1) === 0 && at + 2 ** (order + 1) <= end) order++;
        counts[order] = counts[order]! + 1;
        at += 2 ** order;
      }
    });
    return counts;
  }

  #refill(max: number = 512): void {
    const run = this.#free.firstFragment();
    if (!run) return;
    const count = Math.min(run.count, Math.max(512, max));
    this.#free.remove(run.start, count);
    this.#cursor = run.start;
    this.#cursorEnd = run.start + count;
  }

  /** Puts the cursor's rest back, so that blocks are whole again. */
  #park(): void {
    if (this.#cursor < this.#cursorEnd) this.#free.add(this.#cursor, this.#cursorEnd - this.#cursor);
    this.#cursor = this.#cursorEnd = 0;
  }
}

/**
 * Zones of all nodes in physical order. Memory below 4 GiB is DMA and DMA32; where a machine has only `belowFourGib` bytes there, what
 * follows lies above the hole for devices.
 */
export function buildZones(
  nodes: readonly { memoryBytes: number; movableBytes: number }[],
  belowFourGib: number = FOUR_GIB,
): Zone[] {
  const dmaEnd = (16 * 2 ** 20) / PAGE_SIZE;
  const dma32End = FOUR_GIB / PAGE_SIZE;
  const holeStart = Math.min(dma32End, Math.floor(belowFourGib / PAGE_SIZE));
  const zones: Zone[] = [];
  let pfn = 0;
  nodes.forEach((node, nid) => {
    const cut = (name: ZoneName, from: number, to: number): void => {
      if (to > from) zones.push(new Zone({ nid, name, startPfn: from, pages: to - from }));
    };
    const place = (from: number, pages: number, movable: number): void => {
      const end = from + pages;
      const movableStart = end - movable;
      cut('DMA', from, Math.min(movableStart, dmaEnd));
      cut('DMA32', Math.max(from, dmaEnd), Math.min(movableStart, dma32End));
      cut('Normal', Math.max(from, dma32End), movableStart);
      cut('Movable', movableStart, end);
      // Nodes start at a 4 MiB border, so that no buddy spans two of them.
      pfn = Math.ceil(end / 1024) * 1024;
    };
    const pages = Math.floor(node.memoryBytes / PAGE_SIZE);
    const movable = Math.floor(node.movableBytes / PAGE_SIZE);
    if (holeStart < dma32End && pfn < holeStart && pfn + pages > holeStart) {
      const below = holeStart - pfn;
      const above = pages - below;
      place(pfn, below, Math.max(0, movable - above));
      place(dma32End, above, Math.min(movable, above));
      return;
    }
    if (holeStart < dma32End && pfn >= holeStart) pfn = Math.max(pfn, dma32End);
    place(pfn, pages, movable);
  });
  setWatermarks(zones);
  for (const zone of zones) zone.reserve = lowmemReserve(zone, zones);
  return zones;
}

/** mm/page_alloc.c:setup_per_zone_lowmem_reserve for a request that may use Normal: 1/256 of the node's higher zones. */
function lowmemReserve(zone: Zone, zones: readonly Zone[]): number {
  if (zone.name !== 'DMA' && zone.name !== 'DMA32') return 0;
  const above = zones.filter((z) => z.nid === zone.nid && z.startPfn > zone.startPfn && z.name !== 'Movable');
  return Math.floor(above.reduce((sum, z) => sum + z.pages, 0) / 256);
}

/** mm/khugepaged.c:set_recommended_min_free_kbytes and mm/page_alloc.c:__setup_per_zone_wmarks, 6.12. */
function setWatermarks(zones: readonly Zone[]): void {
  const low = zones.filter((zone) => zone.name !== 'Movable');
  const lowPages = low.reduce((sum, zone) => sum + zone.pages, 0);
  const base = Math.min(Math.max(Math.floor(Math.sqrt(lowPages * 4 * 16)), 128), 262_144) / 4;
  const recommended = Math.min(512 * low.length * (2 + 9), Math.floor(lowPages / 20));
  const minPages = Math.max(base, recommended);
  for (const zone of zones) {
    const share = Math.floor((minPages * zone.pages) / Math.max(1, lowPages));
    zone.min = zone.name === 'Movable' ? Math.min(128, Math.max(32, Math.floor(zone.pages / 1024))) : share;
    const gap = Math.max(Math.floor(zone.min / 4), Math.floor(zone.pages / 1000));
    zone.low = zone.min + gap;
    zone.high = zone.low + gap;
  }
}
