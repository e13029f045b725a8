/**
 * Bitmaps of 512 bits, found by block number: the part of a set of pages that is really mixed. They lie in pooled arrays with a
 * directory of flat pages, so that an access in random order costs one line of memory and no walk over objects.
 */
export const BLOCK = 512;
const WORDS: number = BLOCK / 32;
export const LEAVES_PER_CHUNK = 64;
const BLOCKS_PER_PAGE = 32_768;

export class BitTable {
  /** Blocks held. */
  size = 0;
  /** Leaf number (from 1) of each block; 0 where there is none. */
  readonly #directory = new Map<number, Int32Array>();
  readonly #chunks: Uint32Array[] = [];
  readonly #counts: number[] = [0];
  readonly #free: number[] = [];
  #lastKey = -1;
  #lastPage: Int32Array | undefined;

  /** Number of a block's leaf, or 0. */
  find(block: number): number {
    const key = Math.floor(block / BLOCKS_PER_PAGE);
    if (key !== this.#lastKey) {
      this.#lastKey = key;
      this.#lastPage = this.#directory.get(key);
    }
    return this.#lastPage === undefined ? 0 : this.#lastPage[block - key * BLOCKS_PER_PAGE]!;
  }

  has(leaf: number, at: number): boolean {
    const chunk = Math.floor(leaf / LEAVES_PER_CHUNK);
    const word = (leaf - chunk * LEAVES_PER_CHUNK) * WORDS + (at >>> 5);
    return (this.#chunks[chunk]![word]! & (1 << (at & 31))) !== 0;
  }

  /** Sets a bit. Returns whether it was clear. */
  set(leaf: number, at: number): boolean {
    const chunk = Math.floor(leaf / LEAVES_PER_CHUNK);
    const slot = (leaf - chunk * LEAVES_PER_CHUNK) * WORDS + (at >>> 5);
    const words = this.#chunks[chunk]!;
    const word = words[slot]!;
    const bit = 1 << (at & 31);
    if ((word & bit) !== 0) return false;
    words[slot] = word | bit;
    this.#counts[leaf]!++;
    return true;
  }

  /** Clears a bit. Returns whether it was set. */
  clear(leaf: number, at: number): boolean {
    const chunk = Math.floor(leaf / LEAVES_PER_CHUNK);
    const slot = (leaf - chunk * LEAVES_PER_CHUNK) * WORDS + (at >>> 5);
    const words = this.#chunks[chunk]!;
    const word = words[slot]!;
    const bit = 1 << (at & 31);
    if ((word & bit) === 0) return false;
    words[slot] = word & ~bit;
    this.#counts[leaf]!--;
    return true;
  }

  /** First bit at or after `from` that is set (or clear); 512 when there is none. */
  next(leaf: number, from: number, isSet: boolean): number {
    const chunk = Math.floor(leaf / LEAVES_PER_CHUNK);
    const base = (leaf - chunk * LEAVES_PER_CHUNK) * WORDS;
    const words = this.#chunks[chunk]!;
    for (let bit = from; bit < BLOCK;) {
      let word = words[base + (bit >>> 5)]!;
      if (!isSet) word = ~word;
      word = (word >>> (bit & 31)) << (bit & 31);
      if (word !== 0) return (bit & ~31) + (31 - Math.clz32(word & -word));
      bit = (bit & ~31) + 32;
    }
    return BLOCK;
  }

  /** Bits set in a leaf. */
  countOf(leaf: number): number {
    return this.#counts[leaf]!;
  }

  /** A new leaf for a block that has none, all bits clear or all set. */
  create(block: number, isFull: boolean): number {
    const key = Math.floor(block / BLOCKS_PER_PAGE);
    let page = this.#directory.get(key);
    if (!page) this.#directory.set(key, (page = new Int32Array(BLOCKS_PER_PAGE)));
    this.#lastKey = key;
    this.#lastPage = page;
    const leaf = this.#free.pop() ?? this.#counts.push(0) - 1;
    const chunk = Math.floor(leaf / LEAVES_PER_CHUNK);
    if (chunk >= this.#chunks.length) this.#chunks.push(new Uint32Array(LEAVES_PER_CHUNK * WORDS));
    const base = (leaf - chunk * LEAVES_PER_CHUNK) * WORDS;
    this.#chunks[chunk]!.fill(isFull ? 0xffffffff : 0, base, base + WORDS);
    this.#counts[leaf] = isFull ? BLOCK : 0;
    page[block - key * BLOCKS_PER_PAGE] = leaf;
    this.size++;
    return leaf;
  }

  /** Gives the leaf of a block back, whatever it holds. */
  drop(block: number): void {
    const key = Math.floor(block / BLOCKS_PER_PAGE);
    const page = this.#directory.get(key)!;
    this.#free.push(page[block - key * BLOCKS_PER_PAGE]!);
    page[block - key * BLOCKS_PER_PAGE] = 0;
    this.size--;
  }

  /** First block at or after `from` that has a leaf, below `limit`; else `limit`. */
  nextBlock(from: number, limit: number): number {
    if (this.size === 0) return limit;
    let key = Math.floor(from / BLOCKS_PER_PAGE);
    const lastKey = Math.floor((limit - 1) / BLOCKS_PER_PAGE);
    if (lastKey - key > this.#directory.size) {
      const keys = [...this.#directory.keys()].filter((k) => k >= key && k <= lastKey).sort((a, b) => a - b);
      for (const k of keys) {
        const found = this.#nextInPage(k, from, limit);
        if (found < limit) return found;
      }
      return limit;
    }
    for (; key <= lastKey; key++) {
      const found = this.#nextInPage(key, from, limit);
      if (found < limit) return found;
    }
    return limit;
  }

  /** Any block that has a leaf, or -1. */
  anyBlock(): number {
    if (this.size === 0) return -1;
    const first = Math.min(...this.#directory.keys());
    return this.nextBlock(first * BLOCKS_PER_PAGE, Infinity);
  }

  #nextInPage(key: number, from: number, limit: number): number {
    const page = this.#directory.get(key);
    if (!page) return limit;
    const base = key * BLOCKS_PER_PAGE;
    const to = Math.min(limit, base + BLOCKS_PER_PAGE) - base;
    for (let i = Math.max(from - base, 0); i < to; i++) if (page[i] !== 0) return base + i;
    return limit;
  }
}
