import { gcd, type Lane } from '../units/lanes.ts';
import { BLOCK } from './bit-table.ts';

/** Whole blocks of 512 pages, [first, last), in which page i is a member where `bits` has it at i mod their number. */
export interface Stripe {
  readonly first: number;
  readonly last: number;
  readonly bits: Uint8Array;
}

/** A pattern that repeats only after more pages than this is no pattern. */
export const LONGEST_PERIOD = 512;

/** Stripes in ascending order, none of which overlap. */
export class Stripes {
  /** Members. */
  pages = 0;
  #list: Stripe[] = [];

  /** Whether there are any. */
  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** How many are held. */
  get count(): number {
    return this.#list.length;
  }

  /** The one that a block lies in. */
  at(block: number): Stripe | undefined {
    const found = this.#list[this.#after(block)];
    return found && found.first <= block ? found : undefined;
  }

  /** Those that lie in [first, last), cut at its borders. */
  within(first: number, last: number): Stripe[] {
    const out: Stripe[] = [];
    for (let i = this.#after(first); i < this.#list.length && this.#list[i]!.first < last; i++) {
      const { bits, ...stripe } = this.#list[i]!;
      out.push({ first: Math.max(first, stripe.first), last: Math.min(last, stripe.last), bits });
    }
    return out;
  }

  /** Takes blocks [first, last) out; returns what was there. */
  cut(first: number, last: number): Stripe[] {
    const gone = this.within(first, last);
    if (gone.length === 0) return gone;
    const from = this.#after(first);
    const kept: Stripe[] = [];
    let to = from;
    for (; to < this.#list.length && this.#list[to]!.first < last; to++) {
      const stripe = this.#list[to]!;
      if (stripe.first < first) kept.push({ ...stripe, last: first });
      if (stripe.last > last) kept.push({ ...stripe, first: last });
    }
    this.#list.splice(from, to - from, ...kept);
    for (const stripe of gone) this.pages -= membersOf(stripe);
    return gone;
  }

  /** Adds one where there is none; it becomes one with neighbours that go on alike. */
  add(stripe: Stripe): void {
    this.pages += membersOf(stripe);
    let at = this.#after(stripe.first);
    let joined = stripe;
    const left = this.#list[at - 1];
    if (left?.last === stripe.first && isAlike(left.bits, stripe.bits)) {
      at--;
      this.#list.splice(at, 1);
      joined = { ...joined, first: left.first };
    }
    const right = this.#list[at];
    if (right?.first === stripe.last && isAlike(right.bits, stripe.bits)) {
      this.#list.splice(at, 1);
      joined = { ...joined, last: right.last };
    }
    this.#list.splice(at, 0, joined);
  }

  /** Position of the first one that ends behind a block. */
  #after(block: number): number {
    let lo = 0;
    let hi = this.#list.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.#list[mid]!.last <= block) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }
}

/** The lanes of a stripe between two pages: one for each member of its pattern. */
export function lanesOf({ first, last, bits }: Stripe, from: number, to: number, isMember: boolean): Lane[] {
  const out: Lane[] = [];
  const start = Math.max(from, first * BLOCK);
  const end = Math.min(to, last * BLOCK);
  for (let index = start; index < Math.min(end, start + bits.length); index++) {
    if ((bits[index % bits.length] === 1) !== isMember) continue;
    out.push({ index, count: Math.ceil((end - index) / bits.length), stride: bits.length });
  }
  return out;
}

/** Members of a stripe between two pages. */
export function countBetween(stripe: Stripe, from: number, to: number): number {
  return lanesOf(stripe, from, to, true).reduce((sum, { count }) => sum + count, 0);
}

const membersOf = (stripe: Stripe): number => countBetween(stripe, -Infinity, Infinity);

/** A pattern with every page of a lane's residue made a member, or made none; null where it would be too long. */
export function withLane(bits: Uint8Array, { index, stride }: Lane, isMember: boolean): Uint8Array | null {
  const period = (bits.length / gcd(bits.length, stride)) * stride;
  if (period > LONGEST_PERIOD) return null;
  const out = new Uint8Array(period);
  for (let i = 0; i < period; i++) {
    out[i] = i % stride === index % stride ? Number(isMember) : bits[i % bits.length]!;
  }
  return out;
}

const isAlike = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((bit, i) => bit === b[i]);
