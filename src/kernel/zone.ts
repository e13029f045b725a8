import { addBlocks, joinStretches, MAX_ORDER, type Stretch } from './buddy-blocks.ts';
import { FreeList } from './free-list.ts';
import { RangeSet } from './range-set.ts';

export type ZoneName = 'DMA' | 'DMA32' | 'Normal' | 'Movable';

/** Mobility types of requests and pageblocks (enum migratetype): kernel memory and gmem; user memory; slabs that can be shrunk. */
export type Mobility = 0 | 1 | 2;
export const UNMOVABLE: Mobility = 0;
export const MOVABLE: Mobility = 1;
export const RECLAIMABLE: Mobility = 2;

/** Whose pageblocks a request claims when its own type has run out (mm/page_alloc.c:fallbacks). */
const FALLBACKS: readonly (readonly Mobility[])[] = [
  [RECLAIMABLE, MOVABLE],
  [RECLAIMABLE, UNMOVABLE],
  [UNMOVABLE, MOVABLE],
];

/** Frames of a pageblock: the unit of mobility types. */
const PAGEBLOCK_ORDER = 9;
const PAGEBLOCK: number = 2 ** PAGEBLOCK_ORDER;

/** A zone's frames, as /proc/zoneinfo counts them; `pages` are the managed ones. */
export interface ZoneConfig {
  name: ZoneName;
  startPfn: number;
  pages: number;
  /** Absent: all of it is managed. */
  spannedPages?: number | undefined;
  presentPages?: number | undefined;
}

/**
 * One zone with its buddy allocator. Buddies merge whenever both halves are free, so the free lists are a function of the set
 * of free frames: the zone keeps that set as extents and derives blocks and orders from it (mm/page_alloc.c:__free_one_page).
 * Order-0 requests use up fragments before they break whole pageblocks, as taking the smallest sufficient block does. Pageblocks have a
 * mobility type; a request whose type has run out claims pageblocks of another (try_to_claim_block). Boot memory that is not managed lies at
 * the zone's end.
 */
export class Zone {
  readonly nid: number;
  readonly name: ZoneName;
  startPfn: number;
  spannedPages: number;
  presentPages: number;
  /** Managed frames. */
  pages: number;
  min = 0;
  low = 0;
  high = 0;
  /** lowmem_reserve against allocations that could use a higher zone. */
  reserve = 0;
  /** Freed frames that a per-CPU list keeps. */
  parkLimit = 0;
  /** Compactions in a row that did not help, and requests turned away since (compact_defer_shift, compact_considered). */
  deferral: { considered: number; shift: number } = { considered: 0, shift: 0 };
  /** Free frames by the type of their pageblock. */
  readonly #lists: readonly [FreeList, FreeList, FreeList] = [new FreeList(), new FreeList(), new FreeList()];
  #freePages = 0;
  /** Numbers of the pageblocks that are not movable, and of the reclaimable ones among them. */
  readonly #typed = new RangeSet();
  readonly #reclaimable = new RangeSet();
  /** Frames within the span that are offline. */
  readonly #absent = new RangeSet();
  /** A range whose free frames nobody gets (MIGRATE_ISOLATE), and those frames. */
  #isolateStart = 0;
  #isolateEnd = 0;
  #isolated = new RangeSet();

  constructor(config: ZoneConfig & { nid: number }) {
    this.nid = config.nid;
    this.name = config.name;
    this.startPfn = config.startPfn;
    this.pages = config.pages;
    this.presentPages = config.presentPages ?? config.pages;
    this.spannedPages = config.spannedPages ?? this.presentPages;
    this.#lists[MOVABLE].add(config.startPfn, config.pages);
    this.#freePages = config.pages;
  }

  /** Free frames, those on per-CPU lists included. */
  get freePages(): number {
    return this.#freePages;
  }

  /** Frames of a range that are free in the buddy allocator. */
  freeIn(pfn: number, count: number): number {
    return this.#lists.reduce((sum, { buddy }) => sum + buddy.countIn(pfn, count), 0);
  }

  /** Visits the free frames that are on per-CPU lists. */
  forEachListed(visit: (pfn: number, count: number) => void): void {
    for (const list of this.#lists) list.forEachListed(visit);
  }

  /** Takes one frame, or -1 when the zone is empty. */
  takeOne(mobility: Mobility = MOVABLE): number {
    const list = this.#lists[mobility];
    let pfn = list.takeOne();
    if (pfn < 0 && this.#claimFor(mobility, 1)) pfn = list.takeOne();
    if (pfn >= 0) this.#freePages--;
    return pfn;
  }

  /** Takes up to `max` consecutive frames; count is 0 when the zone is empty. */
  takeRun(max: number, mobility: Mobility = MOVABLE): { pfn: number; count: number } {
    const list = this.#lists[mobility];
    let run = list.takeRun(max);
    if (run.count === 0 && this.#claimFor(mobility, max)) run = list.takeRun(max);
    this.#freePages -= run.count;
    return run;
  }

  /** Takes an aligned block of 2^order frames, or -1: the lowest one in the smallest stretch that has one. */
  takeBlock(order: number, mobility: Mobility = MOVABLE): number {
    const size = 2 ** order;
    let best = -1;
    let bestLength = Infinity;
    const look = ({ buddy }: FreeList): void =>
      buddy.forEachRun(this.startPfn, this.spannedPages, (start, count) => {
        const aligned = Math.ceil(start / size) * size;
        if (aligned + size <= start + count && count < bestLength) {
          best = aligned;
          bestLength = count;
        }
      });
    for (const attempt of ['listed', 'drained']) {
      if (attempt === 'drained') this.drain();
      for (const type of [mobility, ...FALLBACKS[mobility]!]) if (best < 0) look(this.#lists[type]);
      if (best >= 0) break;
    }
    if (best >= 0) this.#takeWhole(best, size, mobility);
    return best;
  }

  /** Takes up to `max` aligned blocks of 2^order frames, lowest first, as stretches of whole blocks. */
  takeBlocks(order: number, max: number, mobility: Mobility = MOVABLE): { pfn: number; blocks: number }[] {
    const out: { pfn: number; blocks: number }[] = [];
    const size = 2 ** order;
    let missing = max;
    const look = ({ buddy }: FreeList): void => {
      const from = out.length;
      buddy.forEachRun(this.startPfn, this.spannedPages, (start, count) => {
        const first = Math.ceil(start / size) * size;
        const blocks = Math.min(missing, Math.floor((start + count - first) / size));
        if (blocks <= 0) return true;
        out.push({ pfn: first, blocks });
        missing -= blocks;
        return missing > 0;
      });
      for (const { pfn, blocks } of out.slice(from)) this.#takeWhole(pfn, blocks * size, mobility);
    };
    for (const attempt of ['listed', 'drained']) {
      if (missing === 0) break;
      if (attempt === 'drained') this.drain();
      for (const type of [mobility, ...FALLBACKS[mobility]!]) if (missing > 0) look(this.#lists[type]);
    }
    return out;
  }

  /** Takes these very frames, which must be in the buddy allocator. */
  takeAt(pfn: number, count: number): void {
    let taken = 0;
    for (const { buddy } of this.#lists) {
      taken += buddy.size;
      buddy.remove(pfn, count);
      taken -= buddy.size;
    }
    this.#freePages -= taken;
    if (taken !== count) {
      throw new Error(`frames ${pfn}+${count} of node ${this.nid} zone ${this.name} are not all free`);
    }
  }

  /** Gives frames back. Throws when one of them is free already. */
  free(pfn: number, count: number): void {
    if (pfn >= this.#isolateStart && pfn < this.#isolateEnd) this.#isolated.add(pfn, count);
    else {
      this.#byType(pfn, count, (list, start, n) => this.#put(list, start, n));
      this.#freePages += count;
    }
  }

  /** Empties the per-CPU lists into the buddy allocator (drain_all_pages). */
  drain(): void {
    for (const list of this.#lists) list.drain();
  }

  /** Sets the type of all pageblocks that a range touches (set_pageblock_migratetype, move_freepages_block). */
  setMobility(pfn: number, count: number, mobility: Mobility): void {
    const first = Math.floor(pfn / PAGEBLOCK);
    const blocks = Math.ceil((pfn + count) / PAGEBLOCK) - first;
    this.#setType(first, blocks, mobility);
    for (const { buddy } of this.#lists) {
      if (buddy.size === 0 || buddy === this.#lists[mobility].buddy) continue;
      for (const run of buddy.runs(first * PAGEBLOCK, blocks * PAGEBLOCK)) {
        buddy.remove(run.start, run.count);
        this.#lists[mobility].buddy.add(run.start, run.count);
      }
    }
  }

  /** Whether the buddy allocator has an aligned block of an order. */
  hasBlock(order: number): boolean {
    if (order === PAGEBLOCK_ORDER) {
      return this.#lists.some(({ buddy }) => buddy.firstWhole() !== null);
    }
    return this.freeByOrder().some((blocks, at) => at >= order && blocks > 0);
  }

  /** Movable pageblocks with free frames in the buddy allocator that are not free as a whole, ascending. */
  movableHoles(): number[] {
    return this.#lists[MOVABLE].buddy.mixedBlocks(this.startPfn, this.spannedPages);
  }

  /** Stretches of a range that are free in the buddy allocator, ascending. */
  freeRuns(pfn: number, count: number): Stretch[] {
    return joinStretches(this.#lists.flatMap(({ buddy }) => buddy.runs(pfn, count)));
  }

  /** Free blocks of an order or more, in blocks of that order. */
  freeBlocks(order: number): number {
    // No pageblock is on lists of two types.
    if (order === PAGEBLOCK_ORDER) return this.#lists.reduce((sum, { buddy }) => sum + buddy.wholeBlocks, 0);
    return this.freeByOrder().reduce(
      (sum, blocks, at) => (at < order ? sum : sum + blocks * 2 ** (at - order)),
      0,
    );
  }

  /** Free blocks per order: the zone's line of /proc/buddyinfo, which per-CPU lists are not in. */
  freeByOrder(): number[] {
    const counts = Array.from({ length: MAX_ORDER + 1 }, () => 0);
    for (const { start, count } of this.freeRuns(this.startPfn, this.spannedPages)) {
      addBlocks(start, count, counts);
    }
    return counts;
  }

  /** Keeps the free frames of a range from being allocated (mm/page_isolation.c:start_isolate_page_range). Returns how many they are. */
  isolate(pfn: number, count: number): number {
    this.drain();
    this.#isolateStart = pfn;
    this.#isolateEnd = pfn + count;
    for (const run of this.freeRuns(pfn, count)) {
      this.takeAt(run.start, run.count);
      this.#isolated.add(run.start, run.count);
    }
    return this.#isolated.size;
  }

  /** undo_isolate_page_range: what is free in the isolated range can be allocated again. */
  unisolate(): void {
    const runs = this.#isolated.runs(this.#isolateStart, this.#isolateEnd - this.#isolateStart);
    this.#isolated = new RangeSet();
    this.#isolateStart = this.#isolateEnd = 0;
    for (const { start, count } of runs) {
      this.#byType(start, count, (list, from, n) => list.add(from, n));
      this.#freePages += count;
    }
  }

  /** Takes the isolated range, all of which is free, out of the zone (mm/memory_hotplug.c:offline_pages, shrink_zone_span). */
  offlineIsolated(): void {
    const start = this.#isolateStart;
    const count = this.#isolateEnd - start;
    if (this.#isolated.size !== count) throw new Error(`frames ${start}+${count} are not all free`);
    this.#isolated = new RangeSet();
    this.#isolateStart = this.#isolateEnd = 0;
    this.setMobility(start, count, MOVABLE);
    this.pages -= count;
    this.presentPages -= count;
    this.#absent.add(start, count);
    const end = this.startPfn + this.spannedPages;
    let first = -1;
    let last = -1;
    this.#absent.forEachGap(this.startPfn, this.spannedPages, (from, n) => {
      if (first < 0) first = from;
      last = from + n;
    });
    if (first < 0) first = last = end;
    this.#absent.remove(this.startPfn, first - this.startPfn);
    this.#absent.remove(last, end - last);
    this.startPfn = first === end ? Infinity : first;
    this.spannedPages = last - first;
  }

  /** Adds frames, all free and movable (mm/memory_hotplug.c:online_pages). */
  online(pfn: number, count: number): void {
    const isEmpty = this.spannedPages === 0;
    const end = isEmpty ? pfn + count : this.startPfn + this.spannedPages;
    const start = isEmpty ? pfn : this.startPfn;
    const newEnd = Math.max(end, pfn + count);
    this.startPfn = Math.min(start, pfn);
    this.spannedPages = newEnd - this.startPfn;
    if (pfn > end) this.#absent.add(end, pfn - end);
    if (pfn + count < start) this.#absent.add(pfn + count, start - pfn - count);
    this.#absent.remove(pfn, count);
    this.pages += count;
    this.presentPages += count;
    this.#lists[MOVABLE].add(pfn, count);
    this.#freePages += count;
  }

  /** Whether a range of frames overlaps the zone's span. */
  intersects(pfn: number, count: number): boolean {
    return pfn < this.startPfn + this.spannedPages && this.startPfn < pfn + count;
  }

  #setType(block: number, count: number, mobility: Mobility): void {
    if (mobility === MOVABLE) this.#typed.remove(block, count);
    else this.#typed.add(block, count);
    if (mobility === RECLAIMABLE) this.#reclaimable.add(block, count);
    else if (this.#reclaimable.size > 0) this.#reclaimable.remove(block, count);
  }

  /** Removes a stretch from the buddy allocator; its pageblocks become the requester's. */
  #takeWhole(pfn: number, count: number, mobility: Mobility): void {
    if (count >= PAGEBLOCK) this.setMobility(pfn, count, mobility);
    this.takeAt(pfn, count);
  }

  /**
   * mm/page_alloc.c:__rmqueue_fallback: the largest blocks of another type are claimed, a pair of pageblocks at a time. Where no
   * pageblock is whole, one that is half free is claimed too; of others, free frames are taken and the type stays.
   */
  #claimFor(mobility: Mobility, max: number): boolean {
    for (const type of FALLBACKS[mobility]!) {
      const { buddy } = this.#lists[type];
      const whole = buddy.firstWhole();
      if (!whole) continue;
      const pair = 2 * PAGEBLOCK;
      const start = whole.count >= pair ? Math.ceil(whole.start / pair) * pair : whole.start;
      const count = Math.min(whole.start + whole.count - start, Math.ceil(max / pair) * pair);
      buddy.remove(start, count);
      this.#lists[mobility].buddy.add(start, count);
      this.#setType(start / PAGEBLOCK, count / PAGEBLOCK, mobility);
      return true;
    }
    const others = FALLBACKS[mobility]!.map((type) => this.#lists[type]);
    if (others.every(({ buddy }) => buddy.size === 0)) for (const list of others) list.drain();
    const other = others.find(({ buddy }) => buddy.size > 0);
    const run = other?.buddy.firstFragment();
    if (!other || !run) return false;
    const block = Math.floor(run.start / PAGEBLOCK) * PAGEBLOCK;
    if (other.buddy.countIn(block, PAGEBLOCK) >= PAGEBLOCK / 2) {
      this.setMobility(block, PAGEBLOCK, mobility);
    } else {
      other.buddy.remove(run.start, run.count);
      this.#lists[mobility].park(run.start, run.count, Infinity);
    }
    return true;
  }

  /** Splits frames by the type of their pageblocks. */
  #byType(pfn: number, count: number, visit: (list: FreeList, pfn: number, count: number) => void): void {
    const [unmovable, movable, reclaimable] = this.#lists;
    const first = Math.floor(pfn / PAGEBLOCK);
    const last = Math.ceil((pfn + count) / PAGEBLOCK);
    if (this.#typed.size === 0) visit(movable, pfn, count);
    else if (last - first === 1) {
      if (!this.#typed.has(first)) visit(movable, pfn, count);
      else visit(this.#reclaimable.has(first) ? reclaimable : unmovable, pfn, count);
    } else {
      splitBy(this.#typed, pfn, count, (start, n, isTyped) => {
        if (!isTyped) visit(movable, start, n);
        else
          splitBy(this.#reclaimable, start, n, (from, m, isIn) =>
            visit(isIn ? reclaimable : unmovable, from, m),
          );
      });
    }
  }

  /** Whole pageblocks go to the buddy allocator at once, single frames by way of the per-CPU list. */
  #put(list: FreeList, pfn: number, count: number): void {
    if (this.parkLimit === 0) {
      list.add(pfn, count);
      return;
    }
    // The types share the limit; a full list gives back the oldest of the type that is being freed (free_pcppages_bulk).
    const [unmovable, movable, reclaimable] = this.#lists;
    const others = unmovable.listed + movable.listed + reclaimable.listed - list.listed;
    const limit = Math.max(0, this.parkLimit - others);
    const end = pfn + count;
    const first = Math.ceil(pfn / PAGEBLOCK) * PAGEBLOCK;
    const last = Math.floor(end / PAGEBLOCK) * PAGEBLOCK;
    if (first >= last) list.park(pfn, count, limit);
    else {
      if (pfn < first) list.park(pfn, first - pfn, limit);
      list.add(first, last - first);
      if (last < end) list.park(last, end - last, limit);
    }
  }
}

/** Splits frames into stretches whose pageblocks are all in a set of pageblocks, or all not. */
function splitBy(
  blocks: RangeSet,
  pfn: number,
  count: number,
  visit: (pfn: number, count: number, isIn: boolean) => void,
): void {
  const first = Math.floor(pfn / PAGEBLOCK);
  const end = pfn + count;
  let at = pfn;
  for (const run of blocks.runs(first, Math.ceil(end / PAGEBLOCK) - first)) {
    const from = Math.max(pfn, run.start * PAGEBLOCK);
    const to = Math.min(end, (run.start + run.count) * PAGEBLOCK);
    if (from > at) visit(at, from - at, false);
    visit(from, to - from, true);
    at = to;
  }
  if (at < end) visit(at, end - at, false);
}
