import { clipLane, endOf, joinLanes, type Lane, meetLanes } from '../units/lanes.ts';
import { BLOCK } from './bit-table.ts';
import { RangeSet, type RunVisitor } from './range-set.ts';
import { countBetween, lanesOf, LONGEST_PERIOD, type Stripe, Stripes, withLane } from './stripes.ts';

const NONE: Uint8Array = new Uint8Array([0]);
const ALL: Uint8Array = new Uint8Array([1]);

/**
 * A RangeSet that also takes every n-th page of a range at the price of one extent: blocks that a repeating pattern fills are held as stripes,
 * everything else as ranges. A block is in one of the two. Without stripes it costs what a RangeSet costs.
 */
export class LaneSet {
  readonly #plain = new RangeSet();
  readonly #stripes = new Stripes();

  /** Number of members. */
  get size(): number {
    return this.#plain.size + this.#stripes.pages;
  }

  /** Whether some of it is held as a pattern. */
  get isStriped(): boolean {
    return !this.#stripes.isEmpty;
  }

  /** Runs, bitmaps and stripes held. */
  get pieces(): number {
    return this.#plain.pieces + this.#stripes.count;
  }

  has(page: number): boolean {
    if (this.#plain.has(page)) return true;
    if (this.#stripes.isEmpty) return false;
    const stripe = this.#stripes.at(Math.floor(page / BLOCK));
    return stripe !== undefined && stripe.bits[page % stripe.bits.length] === 1;
  }

  /** Adds one page. Returns whether it was no member. */
  addOne(page: number): boolean {
    if (!this.#stripes.isEmpty) this.#unstripe(page, page + 1);
    return this.#plain.addOne(page);
  }

  /** Adds [start, start+count); members stay members. */
  add(start: number, count: number): void {
    if (!this.#stripes.isEmpty) this.#unstripe(start, start + count);
    this.#plain.add(start, count);
  }

  /** Removes [start, start+count); what is no member stays none. */
  remove(start: number, count: number): void {
    if (!this.#stripes.isEmpty) this.#unstripe(start, start + count);
    this.#plain.remove(start, count);
  }

  addLane(lane: Lane): void {
    if (lane.stride === 1) this.add(lane.index, lane.count);
    else this.#change(lane, true);
  }

  removeLane(lane: Lane): void {
    if (lane.stride === 1) this.remove(lane.index, lane.count);
    else if (this.size > 0) this.#change(lane, false);
  }

  /** Members within [start, start+count). */
  countIn(start: number, count: number): number {
    let sum = this.#plain.countIn(start, count);
    for (const stripe of this.#within(start, start + count))
      sum += countBetween(stripe, start, start + count);
    return sum;
  }

  /** Visits maximal runs of members within [start, start+count), ascending: each page of a stripe where its neighbours are none. */
  forEachRun(start: number, count: number, visit: RunVisitor): void {
    if (this.#stripes.isEmpty) {
      this.#plain.forEachRun(start, count, visit);
      return;
    }
    let from = -1;
    let to = -1;
    const flush = (): boolean => from < 0 || visit(from, to - from) !== false;
    for (const { index, count: n } of this.#runs(start, start + count)) {
      if (index === to) {
        to += n;
        continue;
      }
      if (!flush()) return;
      from = index;
      to = index + n;
    }
    flush();
  }

  /** Visits maximal runs of absent pages within [start, start+count), ascending. */
  forEachGap(start: number, count: number, visit: (start: number, count: number) => void): void {
    if (this.#stripes.isEmpty) {
      this.#plain.forEachGap(start, count, visit);
      return;
    }
    const gaps: number[] = [];
    let at = start;
    this.forEachRun(start, count, (from, n) => {
      if (from > at) gaps.push(at, from - at);
      at = from + n;
    });
    if (at < start + count) gaps.push(at, start + count - at);
    for (let i = 0; i < gaps.length; i += 2) visit(gaps[i]!, gaps[i + 1]!);
  }

  /** Members within [start, start+count) as lanes, in no order within a stripe. */
  lanes(start: number, count: number): Lane[] {
    return this.#lanes(start, start + count, true);
  }

  /** Absent pages within [start, start+count) as lanes, in no order within a stripe. */
  gapLanes(start: number, count: number): Lane[] {
    return this.#lanes(start, start + count, false);
  }

  /** Those pages of a lane that are members, or those that are none. */
  among(lane: Lane, isMember: boolean): Lane[] {
    const found = this.#lanes(lane.index, endOf(lane), isMember);
    if (lane.stride === 1) return found;
    return joinLanes(meetAll(lane, found), LONGEST_PERIOD);
  }

  /** Checks that no block is held twice, and that a pattern is worth its name. */
  checkInvariants(): void {
    for (const { first, last, bits } of this.#stripes.within(-Infinity, Infinity)) {
      const where = `stripe over blocks ${first} to ${last}`;
      if (first >= last) throw new Error(`${where} is empty`);
      if (this.#plain.countIn(first * BLOCK, (last - first) * BLOCK) > 0)
        throw new Error(`${where} is held twice`);
      if (!bits.includes(0) || !bits.includes(1)) throw new Error(`${where} is no pattern`);
    }
  }

  #within(from: number, to: number): Stripe[] {
    if (this.#stripes.isEmpty) return [];
    return this.#stripes.within(Math.floor(from / BLOCK), Math.ceil(to / BLOCK));
  }

  #lanes(from: number, to: number, isMember: boolean): Lane[] {
    const found: Lane[] = [];
    this.#forEachPart(
      from,
      to,
      (start, end) => {
        const note = (index: number, count: number): void => void found.push({ index, count, stride: 1 });
        if (isMember) this.#plain.forEachRun(start, end - start, note);
        else this.#plain.forEachGap(start, end - start, note);
      },
      (stripe) => found.push(...lanesOf(stripe, from, to, isMember)),
    );
    return joinLanes(found, LONGEST_PERIOD);
  }

  /** Runs of members, ascending; neighbours may touch. */
  *#runs(from: number, to: number): Generator<{ index: number; count: number }> {
    let at = from;
    for (const stripe of this.#within(from, to)) {
      const start = Math.max(at, stripe.first * BLOCK);
      for (const run of this.#plain.runs(at, start - at)) yield { index: run.start, count: run.count };
      at = Math.min(to, stripe.last * BLOCK);
      const { bits } = stripe;
      for (let page = start; page < at; page++) {
        if (bits[page % bits.length] === 1) yield { index: page, count: 1 };
      }
    }
    for (const run of this.#plain.runs(at, to - at)) yield { index: run.start, count: run.count };
  }

  /** Splits a range into what is striped and what is not, ascending. */
  #forEachPart(
    from: number,
    to: number,
    plain: (from: number, to: number) => void,
    striped: (stripe: Stripe) => void,
  ): void {
    let at = from;
    for (const stripe of this.#within(from, to)) {
      if (at < stripe.first * BLOCK) plain(at, stripe.first * BLOCK);
      striped(stripe);
      at = stripe.last * BLOCK;
    }
    if (at < to) plain(at, to);
  }

  /** Makes plain pages of stripes at the borders of a range, and drops those within: the caller fills or empties it. */
  #unstripe(from: number, to: number): void {
    const first = Math.floor(from / BLOCK);
    const last = Math.ceil(to / BLOCK);
    for (const stripe of this.#stripes.cut(first, last)) {
      this.#plainLanes(lanesOf(stripe, -Infinity, from, true));
      this.#plainLanes(lanesOf(stripe, to, Infinity, true));
    }
  }

  #plainLanes(lanes: readonly Lane[]): void {
    for (const { index, count, stride } of lanes) {
      for (let k = 0; k < count; k++) this.#plain.addOne(index + k * stride);
    }
  }

  #change(lane: Lane, isMember: boolean): void {
    const { index, stride } = lane;
    // Blocks in which every page of the residue is in the lane.
    const first = Math.ceil((index - stride + 1) / BLOCK);
    const last = Math.floor((endOf(lane) - 1 + stride) / BLOCK);
    if (first >= last || stride > LONGEST_PERIOD) {
      this.#setSingly(lane, isMember);
      return;
    }
    this.#setSingly(clipLane(lane, -Infinity, first * BLOCK), isMember);
    this.#setSingly(clipLane(lane, last * BLOCK, Infinity), isMember);
    const parts: { from: number; to: number }[] = [];
    const stripes: Stripe[] = [];
    this.#forEachPart(
      first * BLOCK,
      last * BLOCK,
      (from, to) => parts.push({ from, to }),
      (stripe) => stripes.push(stripe),
    );
    for (const stripe of stripes) this.#restripe(stripe, lane, isMember);
    for (const { from, to } of parts) this.#stripePlain(from, to, lane, isMember);
    this.#recognize(first - 1, stride);
    this.#recognize(last, stride);
  }

  /** A block at the border of a lane becomes a stripe where its other part has the same pattern already: lanes come one after the other. */
  #recognize(block: number, stride: number): void {
    const start = block * BLOCK;
    if (start < 0 || this.#stripes.at(block)) return;
    const members = this.#plain.countIn(start, BLOCK);
    if (members === 0 || members === BLOCK) return;
    const bits = new Uint8Array(stride);
    for (let i = 0; i < stride; i++) bits[(start + i) % stride] = Number(this.#plain.has(start + i));
    for (let i = stride; i < BLOCK; i++) {
      if (this.#plain.has(start + i) !== (bits[(start + i) % stride] === 1)) return;
    }
    this.#plain.remove(start, BLOCK);
    this.#stripes.add({ first: block, last: block + 1, bits });
  }

  /** Changes the pattern of a stripe. */
  #restripe({ first, last, bits }: Stripe, lane: Lane, isMember: boolean): void {
    const changed = withLane(bits, lane, isMember);
    if (!changed) {
      this.#setSingly(clipLane(lane, first * BLOCK, last * BLOCK), isMember);
      return;
    }
    this.#stripes.cut(first, last);
    if (!changed.includes(0)) this.#plain.add(first * BLOCK, (last - first) * BLOCK);
    else if (changed.includes(1)) this.#stripes.add({ first, last, bits: changed });
  }

  /** Whole blocks of what is all alike so far become stripes. */
  #stripePlain(from: number, to: number, lane: Lane, isMember: boolean): void {
    const runs: { start: number; end: number }[] = [];
    const note = (start: number, count: number): void => void runs.push({ start, end: start + count });
    if (isMember) this.#plain.forEachGap(from, to - from, note);
    else this.#plain.forEachRun(from, to - from, note);
    for (const { start, end } of runs) {
      const first = Math.ceil(start / BLOCK);
      const last = Math.floor(end / BLOCK);
      if (first >= last) {
        this.#setSingly(clipLane(lane, start, end), isMember);
        continue;
      }
      this.#setSingly(clipLane(lane, start, first * BLOCK), isMember);
      this.#setSingly(clipLane(lane, last * BLOCK, end), isMember);
      this.#plain.remove(first * BLOCK, (last - first) * BLOCK);
      this.#stripes.add({ first, last, bits: withLane(isMember ? NONE : ALL, lane, isMember)! });
    }
  }

  #setSingly(lane: Lane | null, isMember: boolean): void {
    if (!lane) return;
    for (let k = 0; k < lane.count; k++) {
      const page = lane.index + k * lane.stride;
      if (isMember) this.addOne(page);
      else this.remove(page, 1);
    }
  }
}

/** What a lane has in common with each of several. */
function* meetAll(lane: Lane, others: readonly Lane[]): Generator<Lane> {
  for (const other of others) {
    const common = meetLanes(lane, other);
    if (common) yield common;
  }
}
