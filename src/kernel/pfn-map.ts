/**
 * Maps page indices to page frame numbers: the shape of a page cache, a process page table and a guest page table alike.
 * A run holds consecutive indices whose frames advance along one or several lanes: page k of a run lies in lane k mod period,
 * at frame lanes[k mod period] + floor(k / period). Interleaving over n nodes is one run with n lanes.
 * A block of 512 indices that is filled page by page becomes a dense leaf. Cost follows runs and leaves, never pages.
 */
const BLOCK = 512;

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
  readonly #leaves = new Map<number, { pfns: Float64Array; count: number }>();
  #lastBlock = -1;
  #lastLeaf: { pfns: Float64Array; count: number } | undefined;

  /** Frame at an index, or -1. */
  get(index: number): number {
    const block = Math.floor(index / BLOCK);
    const leaf = this.#leaf(block);
    if (leaf) return leaf.pfns[index - block * BLOCK]! - 1;
    const at = this.#find(index);
    if (at < 0) return -1;
    const run = this.#runs[at]!;
    const k = index - run.index;
    if (k >= run.count) return -1;
    return run.lanes[k % run.period]! + Math.floor(k / run.period);
  }

  /** Maps one absent index. Returns true when its block had no leaf before. */
  setOne(index: number, pfn: number): boolean {
    const block = Math.floor(index / BLOCK);
    let leaf = this.#leaf(block);
    const isNew = leaf === undefined;
    leaf ??= this.#densify(block);
    leaf.pfns[index - block * BLOCK] = pfn + 1;
    leaf.count++;
    this.size++;
    return isNew;
  }

  /** Maps absent indices [index, index+count) onto lanes. The lanes are copied. */
  setRun(index: number, count: number, period: number, lanes: readonly number[]): void {
    if (count === 1) {
      // A lone page next to nothing stays a run; inside a dense block it joins the leaf.
      if (this.#leaf(Math.floor(index / BLOCK))) {
        this.setOne(index, lanes[0]!);
        return;
      }
    }
    let from = index;
    const end = index + count;
    if (this.#leaves.size > 0) {
      for (let block = Math.floor(index / BLOCK); block * BLOCK < end;) {
        const leaf = this.#leaf(block);
        if (!leaf) {
          block = this.#nextLeafBlock(block + 1, Math.ceil(end / BLOCK));
          continue;
        }
        const start = Math.max(index, block * BLOCK);
        const stop = Math.min(end, (block + 1) * BLOCK);
        if (from < start) this.#insert(slice(index, from, start, period, lanes));
        for (let i = start; i < stop; i++) {
          const k = i - index;
          leaf.pfns[i - block * BLOCK] = lanes[k % period]! + Math.floor(k / period) + 1;
        }
        leaf.count += stop - start;
        this.size += stop - start;
        from = stop;
        block++;
      }
    }
    if (from < end) this.#insert(slice(index, from, end, period, lanes));
  }

  /** Removes every mapping in the range; `visit` receives what was there. */
  clear(index: number, count: number, visit?: PfnVisitor): void {
    const end = index + count;
    if (this.#leaves.size > 0) {
      for (const block of this.#leafBlocks(index, end)) {
        const leaf = this.#leaves.get(block)!;
        const base = block * BLOCK;
        const stop = Math.min(end, base + BLOCK);
        if (visit) this.#visitLeaf(leaf.pfns, base, Math.max(index, base), stop, visit);
        for (let i = Math.max(index, base); i < stop; i++) {
          if (leaf.pfns[i - base] === 0) continue;
          leaf.pfns[i - base] = 0;
          leaf.count--;
          this.size--;
        }
        if (leaf.count === 0) this.#dropLeaf(block);
      }
    }
    let at = this.#find(index);
    if (at < 0 || this.#runs[at]!.index + this.#runs[at]!.count <= index) at++;
    while (at < this.#runs.length && this.#runs[at]!.index < end) {
      const run = this.#runs[at]!;
      const from = Math.max(index, run.index);
      const to = Math.min(end, run.index + run.count);
      const cut = slice(run.index, from, to, run.period, run.lanes);
      this.size -= cut.count;
      const left = from > run.index ? slice(run.index, run.index, from, run.period, run.lanes) : null;
      const tail = run.index + run.count;
      const right = to < tail ? slice(run.index, to, tail, run.period, run.lanes) : null;
      const kept = [left, right].filter((r) => r !== null);
      this.#runs.splice(at, 1, ...kept);
      at += left ? 1 : 0;
      if (right) at++;
      if (visit) visit(cut.index, cut.count, cut.period, cut.lanes);
      if (right) break;
    }
  }

  /** Visits what is mapped in the range, ascending. */
  forEach(index: number, count: number, visit: PfnVisitor): void {
    const end = index + count;
    const blocks = this.#leaves.size > 0 ? this.#leafBlocks(index, end) : [];
    let b = 0;
    let at = this.#find(index);
    if (at < 0 || this.#runs[at]!.index + this.#runs[at]!.count <= index) at++;
    for (;;) {
      const run = at < this.#runs.length && this.#runs[at]!.index < end ? this.#runs[at]! : undefined;
      const block = blocks[b];
      if (run === undefined && block === undefined) return;
      if (block !== undefined && (run === undefined || block * BLOCK <= run.index)) {
        const base = block * BLOCK;
        const leaf = this.#leaves.get(block)!;
        this.#visitLeaf(leaf.pfns, base, Math.max(index, base), Math.min(end, base + BLOCK), visit);
        b++;
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

  #visitLeaf(pfns: Float64Array, base: number, from: number, to: number, visit: PfnVisitor): void {
    const lane = [0];
    for (let i = from; i < to;) {
      const pfn = pfns[i - base]! - 1;
      if (pfn < 0) {
        i++;
        continue;
      }
      let n = 1;
      while (i + n < to && pfns[i + n - base]! - 1 === pfn + n) n++;
      lane[0] = pfn;
      visit(i, n, 1, lane);
      i += n;
    }
  }

  #leaf(block: number): { pfns: Float64Array; count: number } | undefined {
    if (block === this.#lastBlock) return this.#lastLeaf;
    this.#lastBlock = block;
    this.#lastLeaf = this.#leaves.get(block);
    return this.#lastLeaf;
  }

  #dropLeaf(block: number): void {
    this.#leaves.delete(block);
    this.#lastBlock = -1;
  }

  /** Turns whatever runs lie in a block into a leaf. */
  #densify(block: number): { pfns: Float64Array; count: number } {
    const leaf = { pfns: new Float64Array(BLOCK), count: 0 };
    const base = block * BLOCK;
    if (this.#runs.length > 0) {
      const before = this.size;
      this.clear(base, BLOCK, (index, count, period, lanes) => {
        for (let k = 0; k < count; k++)
          leaf.pfns[index + k - base] = lanes[k % period]! + Math.floor(k / period) + 1;
        leaf.count += count;
      });
      this.size = before;
    }
    this.#leaves.set(block, leaf);
    this.#lastBlock = block;
    this.#lastLeaf = leaf;
    return leaf;
  }

  #leafBlocks(index: number, end: number): number[] {
    const first = Math.floor(index / BLOCK);
    const last = Math.ceil(end / BLOCK);
    const out: number[] = [];
    if (last - first > this.#leaves.size) {
      for (const key of this.#leaves.keys()) if (key >= first && key < last) out.push(key);
      out.sort((a, b) => a - b);
    } else for (let b = first; b < last; b++) if (this.#leaves.has(b)) out.push(b);
    return out;
  }

  #nextLeafBlock(from: number, last: number): number {
    return this.#leafBlocks(from * BLOCK, last * BLOCK)[0] ?? last;
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

/** The part [from, to) of a run that starts at `index`. */
function slice(index: number, from: number, to: number, period: number, lanes: readonly number[]): PfnRun {
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
