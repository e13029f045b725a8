/**
 * Maps page indices to page frame numbers: the shape of a page cache, a process page table and a guest page table alike.
 * A run holds consecutive indices whose frames advance along one or several lanes: page k of a run lies in lane k mod period,
 * at frame lanes[k mod period] + floor(k / period). Interleaving over n nodes is one run with n lanes.
 * A block of 512 indices that is filled page by page becomes a dense leaf. Cost follows runs and leaves, never pages.
 */
import { BLOCK } from './bit-table.ts';
import { clipLane, endOf, type Lane } from '../units/lanes.ts';
import { LeafTable } from './leaf-table.ts';

export interface PfnRun {
  index: number;
  count: number;
  period: number;
  lanes: number[];
}

/** Receives consecutive pages whose frames are consecutive too when period is 1. The lanes array must not be kept. */
export type PfnVisitor = (index: number, count: number, period: number, lanes: readonly number[]) => void;

export class PfnMap {
  /** Mapped pages. */
  size = 0;
  readonly #runs: PfnRun[] = [];
  /** Frames of the dense blocks. */
  readonly #leaves = new LeafTable();

  /** Frame at an index, or -1. */
  get(index: number): number {
    const block = Math.floor(index / BLOCK);
    const leaf = this.#leaves.find(block);
    if (leaf !== 0) {
      const at = index - block * BLOCK;
      return this.#leaves.has(leaf, at) ? this.#leaves.get(leaf, at) : -1;
    }
    const at = this.#find(index);
    if (at < 0) return -1;
    const run = this.#runs[at]!;
    const k = index - run.index;
    if (k >= run.count) return -1;
    return run.lanes[k % run.period]! + Math.floor(k / run.period);
  }

  /** Whether an index is mapped. */
  has(index: number): boolean {
    const block = Math.floor(index / BLOCK);
    const leaf = this.#leaves.find(block);
    if (leaf !== 0) return this.#leaves.has(leaf, index - block * BLOCK);
    const at = this.#find(index);
    return at >= 0 && index < this.#runs[at]!.index + this.#runs[at]!.count;
  }

  /** Maps one absent index; its block becomes dense. */
  setOne(index: number, pfn: number): void {
    const block = Math.floor(index / BLOCK);
    const leaf = this.#leaves.find(block) || this.#densify(block);
    this.#leaves.fill(leaf, index - block * BLOCK, pfn);
    this.size++;
  }

  /** Maps absent indices [index, index+count) onto lanes. The lanes are copied. */
  setRun(index: number, count: number, period: number, lanes: readonly number[]): void {
    if (count === 1) {
      // A lone page next to nothing stays a run; inside a dense block it joins the leaf.
      if (this.#leaves.find(Math.floor(index / BLOCK)) !== 0) {
        this.setOne(index, lanes[0]!);
        return;
      }
    }
    let from = index;
    const end = index + count;
    const limit = Math.ceil(end / BLOCK);
    for (
      let block = this.#leaves.nextBlock(Math.floor(index / BLOCK), limit);
      block < limit;
      block = this.#leaves.nextBlock(block + 1, limit)
    ) {
      const leaf = this.#leaves.find(block);
      const start = Math.max(index, block * BLOCK);
      const stop = Math.min(end, (block + 1) * BLOCK);
      if (from < start) this.#insert(slice(index, from, start, period, lanes));
      for (let i = start; i < stop; i++) {
        const k = i - index;
        this.#leaves.fill(leaf, i - block * BLOCK, lanes[k % period]! + Math.floor(k / period));
      }
      this.size += stop - start;
      from = stop;
    }
    if (from < end) this.#insert(slice(index, from, end, period, lanes));
  }

  /** Gives a run of one lane that is exactly this range other frames. Returns false, with nothing changed, where none is held as such. */
  retarget(index: number, count: number, pfn: number): boolean {
    const run = this.#runs[this.#find(index)];
    if (run?.index !== index || run.count !== count || run.period !== 1) return false;
    run.lanes = [pfn];
    return true;
  }

  /** Removes every mapping in the range; `visit` receives what was there. */
  clear(index: number, count: number, visit?: PfnVisitor): void {
    const end = index + count;
    const limit = Math.ceil(end / BLOCK);
    for (
      let block = this.#leaves.nextBlock(Math.floor(index / BLOCK), limit);
      block < limit;
      block = this.#leaves.nextBlock(block + 1, limit)
    ) {
      const leaf = this.#leaves.find(block);
      const base = block * BLOCK;
      const stop = Math.min(end, base + BLOCK);
      const start = Math.max(index, base);
      if (visit) this.#visitLeaf(leaf, base, start, stop, visit);
      this.size -= this.#leaves.change(leaf, start - base, stop - base, false);
      if (this.#leaves.countOf(leaf) === 0) this.#leaves.drop(block);
    }
    this.#clearRuns(index, end, visit);
  }

  /** Removes every mapping of a lane. Blocks in which it leaves holes become dense, so this costs more than a range does. */
  clearLane(lane: Lane): void {
    const { index, count, stride } = lane;
    if (stride === 1 || count === 1) return this.clear(index, count);
    const end = endOf(lane);
    for (let at = index; at < end;) {
      const block = Math.floor(at / BLOCK);
      const base = block * BLOCK;
      const leaf = this.#leaves.find(block) || this.#densify(block);
      for (; at < Math.min(end, base + BLOCK); at += stride) {
        if (this.#leaves.clear(leaf, at - base)) this.size--;
      }
      if (this.#leaves.countOf(leaf) === 0) this.#leaves.drop(block);
    }
  }

  /** Takes the range out of the runs in one piece, however many of them lie in it. */
  #clearRuns(index: number, end: number, visit: PfnVisitor | undefined): void {
    const runs = this.#runs;
    let first = this.#find(index);
    if (first < 0 || runs[first]!.index + runs[first]!.count <= index) first++;
    const last = this.#find(end - 1);
    if (last < first) return;
    const left = partOf(runs[first]!, -Infinity, index);
    const right = partOf(runs[last]!, end, Infinity);
    const cuts = runs.slice(first, last + 1);
    cuts[0] = partOf(cuts[0]!, index, end)!;
    if (last > first) cuts[last - first] = partOf(cuts[last - first]!, index, end)!;
    runs.splice(first, last - first + 1, ...[left, right].filter((run) => run !== null));
    for (const { count } of cuts) this.size -= count;
    if (visit) for (const { index: at, count, period, lanes } of cuts) visit(at, count, period, lanes);
  }

  /** Visits what is mapped in the range, ascending. */
  forEach(index: number, count: number, visit: PfnVisitor): void {
    const end = index + count;
    const limit = Math.ceil(end / BLOCK);
    let block = this.#leaves.nextBlock(Math.floor(index / BLOCK), limit);
    let at = this.#find(index);
    if (at < 0 || this.#runs[at]!.index + this.#runs[at]!.count <= index) at++;
    for (;;) {
      const run = at < this.#runs.length && this.#runs[at]!.index < end ? this.#runs[at]! : undefined;
      if (run === undefined && block >= limit) return;
      if (block < limit && (run === undefined || block * BLOCK <= run.index)) {
        const base = block * BLOCK;
        const leaf = this.#leaves.find(block);
        this.#visitLeaf(leaf, base, Math.max(index, base), Math.min(end, base + BLOCK), visit);
        block = this.#leaves.nextBlock(block + 1, limit);
        continue;
      }
      const from = Math.max(index, run!.index);
      const to = Math.min(end, run!.index + run!.count);
      if (from === run!.index && to === run!.index + run!.count)
        visit(run!.index, run!.count, run!.period, run!.lanes);
      else {
        const part = slice(run!.index, from, to, run!.period, run!.lanes);
        visit(part.index, part.count, part.period, part.lanes);
      }
      at++;
    }
  }

  /** Visits the unmapped gaps in the range, ascending. */
  forEachGap(index: number, count: number, visit: (index: number, count: number) => void): void {
    let at = index;
    const gaps: number[] = [];
    this.forEach(index, count, (start, length) => {
      if (start > at) gaps.push(at, start - at);
      at = start + length;
    });
    if (at < index + count) gaps.push(at, index + count - at);
    for (let i = 0; i < gaps.length; i += 2) visit(gaps[i]!, gaps[i + 1]!);
  }

  /** Runs and leaves held. */
  get pieces(): number {
    return this.#runs.length + this.#leaves.size;
  }

  #visitLeaf(leaf: number, base: number, from: number, to: number, visit: PfnVisitor): void {
    const lane = [0];
    const leaves = this.#leaves;
    for (let i = base + leaves.next(leaf, from - base, true); i < to;) {
      const end = Math.min(to, base + leaves.next(leaf, i - base, false));
      while (i < end) {
        const pfn = leaves.get(leaf, i - base);
        let n = 1;
        while (i + n < end && leaves.get(leaf, i + n - base) === pfn + n) n++;
        lane[0] = pfn;
        visit(i, n, 1, lane);
        i += n;
      }
      i = base + leaves.next(leaf, i - base, true);
    }
  }

  /** Turns whatever runs lie in a block into a leaf. */
  #densify(block: number): number {
    const leaf = this.#leaves.create(block, false);
    const base = block * BLOCK;
    const inside: PfnRun[] = [];
    const last = this.#find(base + BLOCK - 1);
    if (last >= 0 && this.#runs[last]!.index + this.#runs[last]!.count > base) {
      const before = this.size;
      this.#clearRuns(base, base + BLOCK, (index, count, period, lanes) => {
        inside.push({ index, count, period, lanes: [...lanes] });
      });
      this.size = before;
      for (const { index, count, period, lanes } of inside) {
        for (let k = 0; k < count; k++) {
          this.#leaves.fill(leaf, index + k - base, lanes[k % period]! + Math.floor(k / period));
        }
      }
    }
    return leaf;
  }

  #insert(run: PfnRun): void {
    const at = this.#find(run.index) + 1;
    this.size += run.count;
    const left = this.#runs[at - 1];
    if (left && left.period === run.period && left.index + left.count === run.index && continues(left, run)) {
      left.count += run.count;
      return;
    }
    this.#runs.splice(at, 0, run);
    this.#crowd(run.index, at);
  }

  /** A block into which many short runs fall is cheaper as a leaf. */
  #crowd(index: number, at: number): void {
    const block = Math.floor(index / BLOCK);
    const first = this.#runs[at - 6];
    if (first && first.index >= block * BLOCK) this.#densify(block);
  }

  #find(index: number): number {
    let lo = 0;
    let hi = this.#runs.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.#runs[mid]!.index <= index) lo = mid + 1;
      else hi = mid;
    }
    return lo - 1;
  }
}

/** How many pages of a lane are mapped. */
export function countOfLane(map: PfnMap, lane: Lane): number {
  let pages = 0;
  map.forEach(lane.index, endOf(lane) - lane.index, (index, count) => {
    pages += clipLane(lane, index, index + count)?.count ?? 0;
  });
  return pages;
}

/** Visits the frames of those pages of a lane that are mapped, as stretches, which are few where the lane is one of an interleaved run. */
export function forEachFrameOfLane(
  map: PfnMap,
  lane: Lane,
  visit: (pfn: number, count: number) => void,
): void {
  map.forEach(lane.index, endOf(lane) - lane.index, (index, n, period, lanes) => {
    const part = clipLane(lane, index, index + n);
    if (!part) return;
    const { count, stride } = part;
    const at = (k: number): number => lanes[k % period]! + Math.floor(k / period);
    const first = part.index - index;
    if (stride === period) visit(at(first), count);
    else for (let k = 0; k < count; k++) visit(at(first + k * stride), 1);
  });
}

/** What of a run lies in [from, to): the run itself when all of it does, null when nothing does. */
function partOf(run: PfnRun, from: number, to: number): PfnRun | null {
  const end = run.index + run.count;
  if (from <= run.index && to >= end) return run;
  const [start, stop] = [Math.max(from, run.index), Math.min(to, end)];
  return start < stop ? slice(run.index, start, stop, run.period, run.lanes) : null;
}

/** The part [from, to) of a run that starts at `index`. */
export function slice(
  index: number,
  from: number,
  to: number,
  period: number,
  lanes: readonly number[],
): PfnRun {
  const d = from - index;
  const out: number[] = [];
  const used = Math.min(period, to - from);
  for (let l = 0; l < used; l++) {
    const k = d + l;
    out.push(lanes[k % period]! + Math.floor(k / period));
  }
  return { index: from, count: to - from, period: used, lanes: out };
}

function continues(left: PfnRun, right: PfnRun): boolean {
  for (let l = 0; l < left.period; l++) {
    const k = left.count + l;
    const lane = right.lanes[l];
    if (lane !== undefined && left.lanes[k % left.period]! + Math.floor(k / left.period) !== lane)
      return false;
  }
  return true;
}
