/**
 * A set of page numbers, held as runs of whole 512-page blocks plus one bitmap for each block that is really mixed.
 * Adding or removing a range costs the number of touched runs, never the number of pages.
 */
import { BitTable, BLOCK } from './bit-table.ts';

/** Called for each maximal run; returning false stops the walk. */
export type RunVisitor = (start: number, count: number) => boolean | void;

export class RangeSet {
  /** Number of members. */
  size = 0;
  /** Whole blocks: sorted, disjoint, never touching. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #mixed = new BitTable();

  /** Whether page `i` is a member. */
  has(i: number): boolean {
    const block = Math.floor(i / BLOCK);
    const leaf = this.#mixed.find(block);
    if (leaf !== 0) return this.#mixed.has(leaf, i - block * BLOCK);
    const at = this.#find(block);
    return at >= 0 && block < this.#ends[at]!;
  }

  /** The whole run around a member, or null where its block is mixed. */
  runAround(i: number): { start: number; end: number } | null {
    const block = Math.floor(i / BLOCK);
    const at = this.#find(block);
    if (at < 0 || block >= this.#ends[at]!) return null;
    return { start: this.#starts[at]! * BLOCK, end: this.#ends[at]! * BLOCK };
  }

  /** Adds one page. Returns whether it was no member. */
  addOne(i: number): boolean {
    const block = Math.floor(i / BLOCK);
    const leaf = this.#mixed.find(block);
    if (leaf === 0) {
      const before = this.size;
      this.#split(i, 1, true);
      return this.size > before;
    }
    if (!this.#mixed.set(leaf, i - block * BLOCK)) return false;
    this.size++;
    if (this.#mixed.countOf(leaf) === BLOCK) {
      this.#mixed.drop(block);
      this.#join(block, block + 1);
    }
    return true;
  }

  /** Adds [start, start+count); members stay members. */
  add(start: number, count: number): void {
    this.#split(start, count, true);
  }

  /** Removes [start, start+count); what is no member stays none. */
  remove(start: number, count: number): void {
    this.#split(start, count, false);
  }

  /** Members within [start, start+count). */
  countIn(start: number, count: number): number {
    let n = 0;
    this.forEachRun(start, count, (_, length) => {
      n += length;
    });
    return n;
  }

  /** Visits maximal runs of members within [start, start+count), ascending. */
  forEachRun(start: number, count: number, visit: RunVisitor): void {
    const end = start + count;
    let runStart = -1;
    let runEnd = -1;
    const flush = (): boolean => runStart < 0 || visit(runStart, runEnd - runStart) !== false;
    const piece = (from: number, to: number): boolean => {
      if (from === runEnd) {
        runEnd = to;
        return true;
      }
      if (!flush()) return false;
      runStart = from;
      runEnd = to;
      return true;
    };
    for (const [from, to] of this.#pieces(start, end)) {
      if (!piece(from, to)) return;
    }
    flush();
  }

  /** Maximal runs of members within [start, start+count), ascending. */
  runs(start: number, count: number): { start: number; count: number }[] {
    const out: { start: number; count: number }[] = [];
    this.forEachRun(start, count, (from, n) => {
      out.push({ start: from, count: n });
    });
    return out;
  }

  /** Visits maximal runs of absent pages within [start, start+count), ascending. */
  forEachGap(start: number, count: number, visit: (start: number, count: number) => void): void {
    const gaps: number[] = [];
    let at = start;
    this.forEachRun(start, count, (from, length) => {
      if (from > at) gaps.push(at, from - at);
      at = from + length;
    });
    if (at < start + count) gaps.push(at, start + count - at);
    for (let i = 0; i < gaps.length; i += 2) visit(gaps[i]!, gaps[i + 1]!);
  }

  /** The first run of a mixed block if there is one, else the lowest whole run; null when empty. Holes fill up first. */
  firstFragment(): { start: number; count: number } | null {
    const block = this.#mixed.anyBlock();
    if (block >= 0) {
      const leaf = this.#mixed.find(block);
      const from = this.#mixed.next(leaf, 0, true);
      const to = this.#mixed.next(leaf, from, false);
      return { start: block * BLOCK + from, count: to - from };
    }
    return this.firstWhole();
  }

  /** The lowest run of whole blocks; null when there is none. */
  firstWhole(): { start: number; count: number } | null {
    if (this.#starts.length === 0) return null;
    return { start: this.#starts[0]! * BLOCK, count: (this.#ends[0]! - this.#starts[0]!) * BLOCK };
  }

  /** Blocks of 512 pages within [start, start+count) that hold some members but not only members, ascending. */
  mixedBlocks(start: number, count: number): number[] {
    const out: number[] = [];
    const limit = Math.ceil((start + count) / BLOCK);
    const first = Math.floor(start / BLOCK);
    for (
      let block = this.#mixed.nextBlock(first, limit);
      block < limit;
      block = this.#mixed.nextBlock(block + 1, limit)
    )
      out.push(block);
    return out;
  }

  /** Aligned blocks of 512 pages of which every page is a member. */
  get wholeBlocks(): number {
    return this.#starts.reduce((sum, start, at) => sum + this.#ends[at]! - start, 0);
  }

  /** Number of runs and bitmaps held: what the set costs. */
  get pieces(): number {
    return this.#starts.length + this.#mixed.size;
  }

  *#pieces(start: number, end: number): Generator<[number, number]> {
    let i = start;
    while (i < end) {
      const block = Math.floor(i / BLOCK);
      const base = block * BLOCK;
      const leaf = this.#mixed.find(block);
      if (leaf !== 0) {
        const stop = Math.min(end, base + BLOCK) - base;
        let bit = this.#mixed.next(leaf, i - base, true);
        while (bit < stop) {
          const to = Math.min(stop, this.#mixed.next(leaf, bit, false));
          yield [base + bit, base + to];
          bit = this.#mixed.next(leaf, to, true);
        }
        i = base + BLOCK;
        continue;
      }
      const at = this.#find(block);
      if (at >= 0 && block < this.#ends[at]!) {
        const to = Math.min(end, this.#ends[at]! * BLOCK);
        yield [i, to];
        i = to;
        continue;
      }
      // Nothing here: jump to the next whole run, unless mixed blocks may lie before it.
      const nextWhole = at + 1 < this.#starts.length ? this.#starts[at + 1]! * BLOCK : end;
      const limit = Math.ceil(Math.min(end, nextWhole) / BLOCK);
      i = Math.min(end, nextWhole, this.#mixed.nextBlock(block + 1, limit) * BLOCK);
    }
  }

  #split(start: number, count: number, on: boolean): void {
    if (count <= 0) return;
    const end = start + count;
    const firstWhole = Math.ceil(start / BLOCK);
    const lastWhole = Math.floor(end / BLOCK);
    if (firstWhole > lastWhole) return this.#bits(firstWhole - 1, start, end, on);
    if (start < firstWhole * BLOCK) this.#bits(firstWhole - 1, start, firstWhole * BLOCK, on);
    if (firstWhole < lastWhole) this.#whole(firstWhole, lastWhole, on);
    if (lastWhole * BLOCK < end) this.#bits(lastWhole, lastWhole * BLOCK, end, on);
  }

  #bits(block: number, start: number, end: number, on: boolean): void {
    let leaf = this.#mixed.find(block);
    if (leaf === 0) {
      const at = this.#find(block);
      const isWhole = at >= 0 && block < this.#ends[at]!;
      if (isWhole === on) return;
      leaf = this.#mixed.create(block, isWhole);
      if (isWhole) this.#cut(block, block + 1);
    }
    const base = block * BLOCK;
    const changed = this.#mixed.change(leaf, start - base, end - base, on);
    this.size += on ? changed : -changed;
    const count = this.#mixed.countOf(leaf);
    if (count === 0) this.#mixed.drop(block);
    else if (count === BLOCK) {
      this.#mixed.drop(block);
      this.#join(block, block + 1);
    }
  }

  #whole(first: number, last: number, on: boolean): void {
    let members = 0;
    for (
      let block = this.#mixed.nextBlock(first, last);
      block < last;
      block = this.#mixed.nextBlock(block + 1, last)
    ) {
      members += this.#mixed.countOf(this.#mixed.find(block));
      this.#mixed.drop(block);
    }
    members += this.#cut(first, last) * BLOCK;
    this.size -= members;
    if (on) {
      this.#join(first, last);
      this.size += (last - first) * BLOCK;
    }
  }

  /** Index of the last run that starts at or before `block`, or -1. */
  #find(block: number): number {
    let lo = 0;
    let hi = this.#starts.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.#starts[mid]! <= block) lo = mid + 1;
      else hi = mid;
    }
    return lo - 1;
  }

  /** Removes whole blocks [first, last) from the runs; returns how many were there. */
  #cut(first: number, last: number): number {
    let at = this.#find(first);
    if (at < 0 || this.#ends[at]! <= first) at++;
    let removed = 0;
    while (at < this.#starts.length && this.#starts[at]! < last) {
      const s = this.#starts[at]!;
      const e = this.#ends[at]!;
      removed += Math.min(e, last) - Math.max(s, first);
      if (s < first && e > last) {
        this.#ends[at] = first;
        this.#starts.splice(at + 1, 0, last);
        this.#ends.splice(at + 1, 0, e);
        return removed;
      }
      if (s < first) {
        this.#ends[at] = first;
        at++;
      } else if (e > last) {
        this.#starts[at] = last;
        return removed;
      } else {
        this.#starts.splice(at, 1);
        this.#ends.splice(at, 1);
      }
    }
    return removed;
  }

  /** Adds whole blocks that are known to be absent, merging with neighbours. */
  #join(first: number, last: number): void {
    const at = this.#find(first);
    const joinsLeft = at >= 0 && this.#ends[at] === first;
    const joinsRight = at + 1 < this.#starts.length && this.#starts[at + 1] === last;
    if (joinsLeft && joinsRight) {
      this.#ends[at] = this.#ends[at + 1]!;
      this.#starts.splice(at + 1, 1);
      this.#ends.splice(at + 1, 1);
    } else if (joinsLeft) this.#ends[at] = last;
    else if (joinsRight) this.#starts[at + 1] = first;
    else {
      this.#starts.splice(at + 1, 0, first);
      this.#ends.splice(at + 1, 0, last);
    }
  }
}
