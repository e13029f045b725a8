/**
 * Bitmaps of 512 bits, found by block number: the part of a set of pages that is really mixed. They lie in flat arrays, one for each
 * large region that has any, so that an access in random order costs one line of memory and no walk over objects. The host gives
 * memory only to what is used of a region.
 */
export const BLOCK = 512;
const WORDS: number = BLOCK / 32;
/** Blocks of a region: 1 GiB of pages. */
export const REGION = 512;

const RECENT = 64;

interface Region {
  /** -1 while it waits to be used again. */
  key: number;
  /** Blocks of it that are held. */
  used: number;
  /** Number of the region's first leaf. */
  base: number;
  words: Uint32Array;
  counts: Uint16Array;
  /** 1 for blocks that are held. */
  held: Uint8Array;
}

export class BitTable {
  /** Blocks held. */
  size = 0;
  readonly #byKey = new Map<number, Region>();
  readonly #regions: Region[] = [];
  /** Regions that hold nothing any more. */
  readonly #spare: Region[] = [];
  /** Regions found lately, by the low bits of their keys; made with the first region, as most tables never have one. */
  #recent: (Region | undefined)[] = [];

  /** Number of a block's leaf (from 1), or 0. */
  find(block: number): number {
    if (this.size === 0) return 0;
    const key = Math.floor(block / REGION);
    let region = this.#recent[key % RECENT];
    if (region === undefined || region.key !== key) {
      region = this.#byKey.get(key);
      if (region === undefined) return 0;
      this.#recent[key % RECENT] = region;
    }
    const at = block - key * REGION;
    return region.held[at] === 0 ? 0 : region.base + at;
  }

  has(leaf: number, at: number): boolean {
    const region = this.#regions[Math.floor((leaf - 1) / REGION)]!;
    return (region.words[(leaf - region.base) * WORDS + (at >>> 5)]! & (1 << (at & 31))) !== 0;
  }

  /** Sets a bit. Returns whether it was clear. */
  set(leaf: number, at: number): boolean {
    const region = this.#regions[Math.floor((leaf - 1) / REGION)]!;
    const row = leaf - region.base;
    const slot = row * WORDS + (at >>> 5);
    const word = region.words[slot]!;
    const bit = 1 << (at & 31);
    if ((word & bit) !== 0) return false;
    region.words[slot] = word | bit;
    region.counts[row]!++;
    return true;
  }

  /** Clears a bit. Returns whether it was set. */
  clear(leaf: number, at: number): boolean {
    const region = this.#regions[Math.floor((leaf - 1) / REGION)]!;
    const row = leaf - region.base;
    const slot = row * WORDS + (at >>> 5);
    const word = region.words[slot]!;
    const bit = 1 << (at & 31);
    if ((word & bit) === 0) return false;
    region.words[slot] = word & ~bit;
    region.counts[row]!--;
    return true;
  }

  /** Sets (or clears) the bits [from, to). Returns how many that changed. */
  change(leaf: number, from: number, to: number, isSet: boolean): number {
    const region = this.#regions[Math.floor((leaf - 1) / REGION)]!;
    const row = leaf - region.base;
    const { words } = region;
    let changed = 0;
    for (let at = from; at < to;) {
      const end = Math.min(to, (at | 31) + 1);
      const mask = (0xffffffff >>> (32 - (end - at))) << (at & 31);
      const slot = row * WORDS + (at >>> 5);
      const word = words[slot]!;
      const flips = (isSet ? ~word : word) & mask;
      words[slot] = word ^ flips;
      changed += popcount(flips);
      at = end;
    }
    region.counts[row]! += isSet ? changed : -changed;
    return changed;
  }

  /** First bit at or after `from` that is set (or clear); 512 when there is none. */
  next(leaf: number, from: number, isSet: boolean): number {
    const region = this.#regions[Math.floor((leaf - 1) / REGION)]!;
    const base = (leaf - region.base) * WORDS;
    const { words } = region;
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
    const region = this.#regions[Math.floor((leaf - 1) / REGION)]!;
    return region.counts[leaf - region.base]!;
  }

  /** A new leaf for a block that has none, all bits clear or all set. */
  create(block: number, isFull: boolean): number {
    const key = Math.floor(block / REGION);
    const region = this.#byKey.get(key) ?? this.#addRegion(key);
    const row = block - key * REGION;
    region.held[row] = 1;
    region.used++;
    region.counts[row] = isFull ? BLOCK : 0;
    region.words.fill(isFull ? 0xffffffff : 0, row * WORDS, (row + 1) * WORDS);
    this.size++;
    return region.base + row;
  }

  /** Gives the leaf of a block back, whatever it holds. */
  drop(block: number): void {
    const key = Math.floor(block / REGION);
    const region = this.#byKey.get(key)!;
    region.held[block - key * REGION] = 0;
    this.size--;
    if (--region.used > 0) return;
    this.#byKey.delete(key);
    region.key = -1;
    this.#spare.push(region);
  }

  /** First block at or after `from` that has a leaf, below `limit`; else `limit`. */
  nextBlock(from: number, limit: number): number {
    if (this.size === 0 || from >= limit) return limit;
    const firstKey = Math.floor(from / REGION);
    const lastKey = Math.floor((limit - 1) / REGION);
    let best = limit;
    for (const region of this.#regions) {
      if (region.key < firstKey || region.key > lastKey) continue;
      const base = region.key * REGION;
      const found = region.held.indexOf(1, Math.max(0, from - base));
      if (found >= 0) best = Math.min(best, base + found);
    }
    return best;
  }

  /** Any block that has a leaf, or -1: the lowest. */
  anyBlock(): number {
    const found = this.nextBlock(0, Number.MAX_SAFE_INTEGER);
    return found === Number.MAX_SAFE_INTEGER ? -1 : found;
  }

  #addRegion(key: number): Region {
    const spare = this.#spare.pop();
    if (spare) {
      spare.key = key;
      this.#byKey.set(key, spare);
      return spare;
    }
    const region: Region = {
      key,
      used: 0,
      base: 1 + this.#regions.length * REGION,
      words: new Uint32Array(REGION * WORDS),
      counts: new Uint16Array(REGION),
      held: new Uint8Array(REGION),
    };
    if (this.#regions.length === 0) this.#recent = Array.from({ length: RECENT });
    this.#regions.push(region);
    this.#byKey.set(key, region);
    return region;
  }
}

/** Bits set in a word. */
function popcount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
