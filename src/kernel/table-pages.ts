import type { KernelLot } from './kernel-pages.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import type { FrameRun } from './page-allocator.ts';
import { type HeldRun, lotsOf, type PageHolder } from './page-holder.ts';
import { PfnMap, slice } from './pfn-map.ts';
import type { NodeRun, RadixNodes } from './radix-nodes.ts';

/** More tables than a level can have. */
const LEVEL = 2 ** 32;
/** The root, which no node stands for, comes behind all levels. */
const ROOT = 8 * LEVEL;

/**
 * The pages of a page table, each known by the table that it is, so that those of an unmapped range go from the nodes and groups that they
 * came from. Pages that are held become the tables that were added last; pages that are released are those of the tables that were removed.
 * The tables of one range are taken level by level, from the top, where Linux comes to each when the first address below it faults.
 */
export class TablePages implements PageHolder {
  count = 0;
  readonly #changes: { gained: NodeRun[]; lost: NodeRun[] };
  readonly #frames = new Map<Memcg, PfnMap>();

  constructor(tables: RadixNodes) {
    if (!tables.changes) throw new Error('page tables have pages');
    this.#changes = tables.changes;
  }

  hold(_kernel: Kernel, { count, period, lanes }: FrameRun, memcg: Memcg): void {
    let map = this.#frames.get(memcg);
    if (!map) this.#frames.set(memcg, (map = new PfnMap()));
    const { gained } = this.#changes;
    let used = 0;
    for (let done = 0; done < count;) {
      const place = gained[used];
      const n = Math.min(place?.count ?? Infinity, count - done);
      const part = slice(0, done, done + n, period, lanes);
      map.setRun(place ? keyOf(place) : ROOT, n, part.period, part.lanes);
      done += n;
      if (!place) continue;
      place.first += n;
      place.count -= n;
      if (place.count === 0) used++;
    }
    gained.splice(0, used);
    this.count += count;
  }

  release(count: number): HeldRun[] {
    if (count === 0) return [];
    const out: HeldRun[] = [];
    const { lost } = this.#changes;
    const gone = count === this.count ? [{ level: 0, first: 0, count: 2 * ROOT }] : lost.splice(0);
    lost.length = 0;
    for (const [memcg, map] of this.#frames) {
      for (const run of gone) {
        map.clear(keyOf(run), run.count, (_, n, period, lanes) => {
          out.push({ count: n, period, lanes: [...lanes], memcg });
        });
      }
      if (map.size === 0) this.#frames.delete(memcg);
    }
    const found = out.reduce((sum, run) => sum + run.count, 0);
    if (found !== count) throw new Error(`${count} page tables freed, ${found} removed`);
    this.count -= count;
    return out;
  }

  lotsIn(kernel: Kernel): KernelLot[] {
    const runs: HeldRun[] = [];
    for (const [memcg, map] of this.#frames) {
      map.forEach(0, 2 * ROOT, (_, count, period, lanes) => {
        runs.push({ count, period, lanes: [...lanes], memcg });
      });
    }
    return lotsOf(kernel, runs);
  }
}

const keyOf = ({ level, first }: NodeRun): number => level * LEVEL + first;
