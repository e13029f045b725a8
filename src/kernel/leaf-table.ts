import { BitTable, BLOCK } from './bit-table.ts';

const LEAVES_PER_CHUNK = 64;

/** Dense leaves of 512 numbers with a bitmap of which are there, found by block number: the mixed part of a page map. */
export class LeafTable extends BitTable {
  /** Made as leaves need them. */
  readonly #values: (Float64Array | null)[] = [];

  /** The number at a place that holds one. */
  get(leaf: number, at: number): number {
    const chunk = Math.floor(leaf / LEAVES_PER_CHUNK);
    return this.#values[chunk]![(leaf - chunk * LEAVES_PER_CHUNK) * BLOCK + at]!;
  }

  /** Stores a number where there is none. */
  fill(leaf: number, at: number, value: number): void {
    const chunk = Math.floor(leaf / LEAVES_PER_CHUNK);
    this.#values[chunk]![(leaf - chunk * LEAVES_PER_CHUNK) * BLOCK + at] = value;
    this.set(leaf, at);
  }

  override create(block: number, isFull: boolean): number {
    const leaf = super.create(block, isFull);
    const chunk = Math.floor(leaf / LEAVES_PER_CHUNK);
    // Without gaps, so that the list stays a plain one.
    while (this.#values.length <= chunk) this.#values.push(null);
    this.#values[chunk] ??= new Float64Array(LEAVES_PER_CHUNK * BLOCK);
    return leaf;
  }
}
