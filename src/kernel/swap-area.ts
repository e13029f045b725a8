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

  /** swapon(2) on a device of so many usable pages. */
  activate(pages: number): void {
    this.#free.add(this.totalPages, pages);
    this.totalPages += pages;
  }

  get freePages(): number {
    return this.#free.size;
  }

  /** Whether less than half of the space is free (vm_swap_full): slots are then given up as soon as their page is back. */
  get isFull(): boolean {
    return this.freePages * 2 < this.totalPages;
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
    this.#free.add(slot, count);
  }
}
