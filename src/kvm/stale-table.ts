import { LaneSet } from '../kernel/lane-set.ts';
import { forEachLane } from '../kernel/page-allocator.ts';
import { PfnMap } from '../kernel/pfn-map.ts';
import { clipLane, type Lane, meetLanes, subtractLane } from '../units/lanes.ts';

/** A lane of guest frames and the frames that its entries point at: `pfn` and every `step`-th one behind it. */
interface StaleLane extends Lane {
  readonly pfn: number;
  readonly step: number;
}

/** Guest frames whose second-level entries are stale, and the frames at which these point. What an interleaved move leaves is one extent. */
export class StaleTable {
  readonly #gfns = new LaneSet();
  /** Ranges. */
  readonly #runs = new PfnMap();
  /** All else. */
  #lanes: StaleLane[] = [];

  /** Entries. */
  get size(): number {
    return this.#gfns.size;
  }

  /** Entries within [gfn, gfn+count). */
  countIn(gfn: number, count: number): number {
    return this.#gfns.countIn(gfn, count);
  }

  /** Adds entries. Those that are stale already stay what they are. Returns the guest frames of the new ones. */
  add(lane: StaleLane): Lane[] {
    const added = this.#gfns.among(lane, false);
    for (const part of added) {
      const held = stalePart(lane, part);
      if (part.count === 1 || (part.stride === 1 && held.step === 1)) {
        this.#runs.setRun(part.index, part.count, 1, [held.pfn]);
      } else this.#lanes.push(held);
      this.#gfns.addLane(part);
    }
    return added;
  }

  /** Drops what entries a lane of guest frames has. */
  remove(lane: Lane): void {
    const gone = this.#gfns.among(lane, true);
    if (gone.length === 0) return;
    this.#gfns.removeLane(lane);
    for (const { index, count, stride } of gone) {
      if (stride === 1) this.#runs.clear(index, count);
      else if (this.#runs.size > 0) {
        for (let k = 0; k < count; k++) this.#runs.clear(index + k * stride, 1);
      }
    }
    this.#lanes = this.#lanes.flatMap((held) =>
      subtractLane(held, lane).map((part) => stalePart(held, part)),
    );
  }

  /** Visits the frames that entries of a lane of guest frames point at, as stretches. */
  forEachFrame(lane: Lane, visit: (pfn: number, count: number) => void): void {
    const { index, count, stride } = lane;
    if (this.#runs.size > 0) {
      this.#runs.forEach(index, (count - 1) * stride + 1, (at, n, period, lanes) => {
        forEachLane(n, period, lanes, (pfn, length) => {
          if (stride === 1) return visit(pfn, length);
          const part = clipLane(lane, at, at + n);
          for (let k = 0; part && k < part.count; k++) visit(pfn + part.index + k * stride - at, 1);
        });
      });
    }
    for (const held of this.#lanes) {
      const common = meetLanes(held, lane);
      if (!common) continue;
      const { pfn, step } = stalePart(held, common);
      if (step === 1) visit(pfn, common.count);
      else for (let k = 0; k < common.count; k++) visit(pfn + k * step, 1);
    }
  }
}

/** Those entries of a lane that belong to some of its guest frames. */
const stalePart = ({ index, stride, pfn, step }: StaleLane, part: Lane): StaleLane => ({
  ...part,
  pfn: pfn + ((part.index - index) / stride) * step,
  step: (part.stride / stride) * step,
});
