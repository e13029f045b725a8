import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import { forEachLane, type FrameRun } from './page-allocator.ts';
import type { HeldRun, PageHolder } from './page-holder.ts';

/** Place of slab objects: their frames are held elsewhere. */
export const NO_FRAME = -1;

/** Frames or slab objects that the kernel holds for something, newest last, with who paid for them. */
export interface KernelLot {
  pfn: number;
  count: number;
  nid: number;
  memcg: Memcg;
}

/** A stack of kernel allocations whose order within one call does not matter: stacks of threads, or slab objects of a file. */
export class KernelPages implements PageHolder {
  readonly lots: KernelLot[] = [];

  get count(): number {
    return this.lots.reduce((sum, lot) => sum + lot.count, 0);
  }

  lotsIn(): readonly KernelLot[] {
    return this.lots;
  }

  hold(kernel: Kernel, run: FrameRun, memcg: Memcg): void {
    forEachLane(run.count, run.period, run.lanes, (pfn, count) => {
      this.push({ pfn, count, nid: kernel.nidOf(pfn), memcg });
    });
  }

  release(count: number): HeldRun[] {
    return this.pop(count).map((lot) => ({
      count: lot.count,
      period: 1,
      lanes: [lot.pfn],
      memcg: lot.memcg,
    }));
  }

  push(lot: KernelLot): void {
    const last = this.lots[this.lots.length - 1];
    const next = last && (last.pfn === NO_FRAME ? NO_FRAME : last.pfn + last.count);
    if (last && last.memcg === lot.memcg && last.nid === lot.nid && next === lot.pfn) last.count += lot.count;
    else this.lots.push(lot);
  }

  /** Takes the newest `count` away. */
  pop(count: number): KernelLot[] {
    const out: KernelLot[] = [];
    while (count > 0) {
      const last = this.lots[this.lots.length - 1];
      if (!last) throw new Error(`${count} more kernel objects freed than held`);
      const n = Math.min(count, last.count);
      last.count -= n;
      out.push({ ...last, pfn: last.pfn === NO_FRAME ? NO_FRAME : last.pfn + last.count, count: n });
      if (last.count === 0) this.lots.pop();
      count -= n;
    }
    return out;
  }
}
