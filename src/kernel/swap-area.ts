import { FrameTable } from './frame-table.ts';
import { PfnMap } from './pfn-map.ts';
import { RangeSet } from './range-set.ts';

/** Consecutive swap slots. */
export interface SlotRun {
  slot: number;
  count: number;
}

/**
 * The swap space (mm/swapfile.c) and its cache (mm/swap_state.c). A slot in use has the class of the folio that was written to it, which
 * says who pays, and as its map count the page-table entries and page-cache entries that stand for it (swap_map).
 */
export class SwapArea {
  /** Pages of swap space; 0 while none is active. */
  totalPages = 0;
  readonly slots: FrameTable = new FrameTable();
  readonly #free: RangeSet = new RangeSet();
  /** Swap cache both ways: frame to slot, slot to frame. */
  readonly slotOf: PfnMap = new PfnMap();
  readonly frameOf: PfnMap = new PfnMap();
  /** The frame that a slot's page was in when it left: whose node it knows again (workingset shadows). */
  readonly #leftFrom: PfnMap = new PfnMap();

  /** Notes where pages leave from that go to consecutive slots: page k from lane k mod period. */
  noteLeft(slot: number, count: number, period: number, lanes: readonly number[]): void {
    this.#leftFrom.clear(slot, count);
    this.#leftFrom.setRun(slot, count, period, lanes);
  }

  /** Pages of consecutive slots that come back to the node which they left, by node; `back` says where each comes. */
  knownAgain(
    slot: number,
    count: number,
    back: { period: number; lanes: readonly number[] },
    nidOf: (pfn: number) => number,
  ): Map<number, number> {
    const out = new Map<number, number>();
    this.#leftFrom.forEach(slot, count, (at, n, period, lanes) => {
      // Pages that are lanes apart in both alike have the same two nodes.
      const step = leastCommonMultiple(period, back.period);
      for (let k = 0; k < Math.min(step, n); k++) {
        const nid = nidOf(lanes[k % period]!);
        const here = nidOf(back.lanes[(at - slot + k) % back.period]!);
        if (nid === here) out.set(nid, (out.get(nid) ?? 0) + Math.ceil((n - k) / step));
      }
    });
    return out;
  }

  /** swapon(2) on a device of so many usable pages; slots that are still in use from before stay so. */
  activate(pages: number): void {
    this.#free.add(0, pages);
    this.slots.forEach(0, pages, (slot, count) => this.#free.remove(slot, count));
    this.totalPages = pages;
  }

  /** Gives out no more slots, and takes none back; what is in use can still be read. */
  retire(): void {
    this.#free.remove(0, this.totalPages);
    this.totalPages = 0;
  }

  get freePages(): number {
    return this.#free.size;
  }

  /** Whether less than half of the space is free, or it is to go (vm_swap_full): slots are then given up as soon as their page is back. */
  get isFull(): boolean {
    return this.totalPages === 0 || this.freePages * 2 < this.totalPages;
  }

  /** Takes up to `count` slots, lowest first. */
  take(count: number): SlotRun[] {
    const out: SlotRun[] = [];
    let missing = count;
    while (missing > 0) {
      const run = this.#free.firstFragment();
      if (!run) break;
      const n = Math.min(missing, run.count);
      this.#free.remove(run.start, n);
      out.push({ slot: run.start, count: n });
      missing -= n;
    }
    return out;
  }

  /** Gives slots back. */
  release(slot: number, count: number): void {
    if (this.totalPages > 0) this.#free.add(slot, count);
  }
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
