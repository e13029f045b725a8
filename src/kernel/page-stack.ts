import type { KernelLot } from './kernel-pages.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import type { FrameRun } from './page-allocator.ts';
import { type HeldRun, lotsOf, type PageHolder } from './page-holder.ts';
import { slice } from './pfn-map.ts';

/** Pages of which the newest goes first, one after the other: a cache of objects for later (struct kvm_mmu_memory_cache). */
export class PageStack implements PageHolder {
  count = 0;
  readonly #runs: HeldRun[] = [];

  hold(_kernel: Kernel, { count, period, lanes }: FrameRun, memcg: Memcg): void {
    this.#runs.push({ count, period, lanes: [...lanes], memcg });
    this.count += count;
  }

  release(count: number): HeldRun[] {
    if (count > this.count) throw new Error(`${count} pages taken from a stack of ${this.count}`);
    this.count -= count;
    const out: HeldRun[] = [];
    while (count > 0) {
      const top = this.#runs[this.#runs.length - 1]!;
      const n = Math.min(count, top.count);
      top.count -= n;
      out.push({ ...backwards(top, n), memcg: top.memcg });
      if (top.count === 0) this.#runs.pop();
      count -= n;
    }
    return out;
  }

  lotsIn(kernel: Kernel): KernelLot[] {
    return lotsOf(kernel, this.#runs);
  }
}

/** The `count` pages behind those of a run, the last one first; which frame of its lane a page gets is left open. */
function backwards(run: FrameRun, count: number): FrameRun {
  const { period, lanes } = slice(0, run.count, run.count + count, run.period, run.lanes);
  return { count, period, lanes: lanes.map((_, lane) => lanes[(count - 1 - lane) % period]!) };
}
