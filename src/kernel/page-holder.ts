import type { KernelLot } from './kernel-pages.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import type { FrameRun } from './page-allocator.ts';

/** Frames and who paid for them. */
export interface HeldRun extends FrameRun {
  memcg: Memcg;
}

/** What keeps whole pages of kernel memory, and knows which of them go when some go. */
export interface PageHolder {
  /** Pages held. */
  readonly count: number;
  /** Takes pages, in the order of their allocation. */
  hold(kernel: Kernel, run: FrameRun, memcg: Memcg): void;
  /** Gives up as many pages, in the order in which they go; throws where fewer are held. */
  release(count: number): HeldRun[];
  /** All of them, by node and payer. */
  lotsIn(kernel: Kernel): readonly KernelLot[];
}

/** Runs as frames of one node each. */
export function lotsOf(kernel: Kernel, runs: readonly HeldRun[]): KernelLot[] {
  return runs.flatMap(({ count, period, lanes, memcg }) =>
    lanes.slice(0, period).map((pfn, lane) => ({
      pfn,
      count: Math.ceil((count - lane) / period),
      nid: kernel.nidOf(pfn),
      memcg,
    })),
  );
}
