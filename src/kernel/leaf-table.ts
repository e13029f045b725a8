import { BitTable, BLOCK, LEAVES_PER_CHUNK } from './bit-table.ts';

/** Dense leaves of 512 numbers with a bitmap of which are there, found by block number: the mixed part of a page map. */
export class LeafTable extends BitTable {
  readonly #values: Float64Array[] = [];

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
    if (chunk >= this.#values.length) this.#values.push(new Float64Array(LEAVES_PER_CHUNK * BLOCK));
    return leaf;
  }
}
