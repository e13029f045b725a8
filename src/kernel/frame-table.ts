/**
 * The memory map: for each allocated frame its folio class and how many page-table entries map it (struct page's mapping,
 * memcg and _mapcount in one). Held as runs of equal frames with dense leaves where a 512-frame block is mixed.
 */
const BLOCK = 512;

/** Receives runs of frames that are alike. */
export type FrameVisitor = (pfn: number, count: number, folioClass: number, mapCount: number) => void;

interface Leaf {
  classes: Uint32Array;
  maps: Uint32Array;
  used: number;
}

export class FrameTable {
  /** Allocated frames. */
  size = 0;
  readonly #leaves = new Map<number, Leaf>();
  /** Runs of whole blocks: sorted by first block. */
  readonly #runs: { first: number; last: number; folioClass: number; mapCount: number }[] = [];
  #lastBlock = -1;
  #lastLeaf: Leaf | undefined;

  /** Marks free frames as allocated with a class. */
  allocate(pfn: number, count: number, folioClass: number): void {
    this.size += count;
    if (count === 1) {
      const block = Math.floor(pfn / BLOCK);
      const leaf = this.#leafFor(block);
      leaf.classes[pfn - block * BLOCK] = folioClass;
      leaf.used++;
      return;
    }
    this.#apply(
      pfn,
      count,
      (leaf, i) => {
        leaf.classes[i] = folioClass;
        leaf.maps[i] = 0;
        leaf.used++;
      },
      (first, last) => this.#insert(first, last, folioClass, 0),
    );
  }

  /** Marks frames free; `visit` receives what they were. */
  free(pfn: number, count: number, visit?: FrameVisitor): void {
    if (visit) this.forEach(pfn, count, visit);
    this.size -= count;
    this.#apply(
      pfn,
      count,
      (leaf, i, block) => {
        leaf.classes[i] = 0;
        leaf.maps[i] = 0;
        if (--leaf.used === 0) {
          this.#leaves.delete(block);
          this.#lastBlock = -1;
        }
      },
      (first, last) => {
        this.#cut(first, last);
      },
    );
  }

  /** Adds `delta` (+1 or -1) to the map counts; `visit` receives the frames as they were before. */
  addMaps(pfn: number, count: number, delta: number, visit: FrameVisitor): void {
    this.#change(pfn, count, visit, (folioClass) => folioClass, delta);
  }

  /** Gives frames another class; `map` turns the old class id into the new one. */
  reclass(pfn: number, count: number, map: (folioClass: number) => number): void {
    this.#change(pfn, count, undefined, map, 0);
  }

  /** Class of a frame; 0 when it is free. */
  classOf(pfn: number): number {
    const block = Math.floor(pfn / BLOCK);
    const leaf = this.#leaf(block);
    if (leaf) return leaf.classes[pfn - block * BLOCK]!;
    const run = this.#runs[this.#find(block)];
    return run && block < run.last ? run.folioClass : 0;
  }

  mapCountOf(pfn: number): number {
    const block = Math.floor(pfn / BLOCK);
    const leaf = this.#leaf(block);
    if (leaf) return leaf.maps[pfn - block * BLOCK]!;
    const run = this.#runs[this.#find(block)];
    return run && block < run.last ? run.mapCount : 0;
  }

  /** Visits allocated frames of the range in runs of equals, ascending. */
  forEach(pfn: number, count: number, visit: FrameVisitor): void {
    const end = pfn + count;
    for (let i = pfn; i < end;) {
      const block = Math.floor(i / BLOCK);
      const base = block * BLOCK;
      const leaf = this.#leaf(block);
      if (leaf) {
        const stop = Math.min(end, base + BLOCK);
        while (i < stop) {
          const folioClass = leaf.classes[i - base]!;
          const maps = leaf.maps[i - base]!;
          let n = 1;
          while (
            i + n < stop &&
            leaf.classes[i + n - base] === folioClass &&
            leaf.maps[i + n - base] === maps
          )
            n++;
          if (folioClass !== 0) visit(i, n, folioClass, maps);
          i += n;
        }
        continue;
      }
      const run = this.#runs[this.#find(block)];
      if (run && block < run.last) {
        const stop = Math.min(end, run.last * BLOCK);
        visit(i, stop - i, run.folioClass, run.mapCount);
        i = stop;
      } else i = base + BLOCK;
    }
  }

  #change(
    pfn: number,
    count: number,
    visit: FrameVisitor | undefined,
    map: (c: number) => number,
    delta: number,
  ): void {
    if (visit) this.forEach(pfn, count, visit);
    this.#apply(
      pfn,
      count,
      (leaf, i) => {
        leaf.classes[i] = map(leaf.classes[i]!);
        leaf.maps[i] = leaf.maps[i]! + delta;
      },
      (first, last) => {
        for (const piece of this.#cut(first, last)) {
          this.#insert(piece.first, piece.last, map(piece.folioClass), piece.mapCount + delta);
        }
      },
    );
  }

  /** Runs `one` on each frame of partial or mixed blocks and `whole` on each stretch of blocks held as runs (or empty). */
  #apply(
    pfn: number,
    count: number,
    one: (leaf: Leaf, i: number, block: number) => void,
    whole: (first: number, last: number) => void,
  ): void {
    const end = pfn + count;
    for (let i = pfn; i < end;) {
      const block = Math.floor(i / BLOCK);
      const base = block * BLOCK;
      if (i === base && end - base >= BLOCK && !this.#leaves.has(block)) {
        const limit = Math.floor(end / BLOCK);
        const last = this.#nextLeafBlock(block + 1, limit);
        whole(block, last);
        i = last * BLOCK;
        continue;
      }
      const leaf = this.#leafFor(block);
      const stop = Math.min(end, base + BLOCK);
      for (; i < stop; i++) one(leaf, i - base, block);
    }
  }

  /** First dense block in [from, limit), or `limit`: looks at the fewer of leaves and blocks. */
  #nextLeafBlock(from: number, limit: number): number {
    if (limit - from > this.#leaves.size) {
      let best = limit;
      for (const key of this.#leaves.keys()) if (key >= from && key < best) best = key;
      return best;
    }
    let block = from;
    while (block < limit && !this.#leaves.has(block)) block++;
    return block;
  }

  #leaf(block: number): Leaf | undefined {
    if (block === this.#lastBlock) return this.#lastLeaf;
    this.#lastBlock = block;
    this.#lastLeaf = this.#leaves.get(block);
    return this.#lastLeaf;
  }

  #leafFor(block: number): Leaf {
    let leaf = this.#leaf(block);
    if (leaf) return leaf;
    leaf = { classes: new Uint32Array(BLOCK), maps: new Uint32Array(BLOCK), used: 0 };
    for (const piece of this.#cut(block, block + 1)) {
      leaf.classes.fill(piece.folioClass);
      leaf.maps.fill(piece.mapCount);
      leaf.used = BLOCK;
    }
    this.#leaves.set(block, leaf);
    this.#lastBlock = block;
    this.#lastLeaf = leaf;
    return leaf;
  }

  #find(block: number): number {
    let lo = 0;
    let hi = this.#runs.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.#runs[mid]!.first <= block) lo = mid + 1;
      else hi = mid;
    }
    return lo - 1;
  }

  #cut(first: number, last: number): { first: number; last: number; folioClass: number; mapCount: number }[] {
    const out: { first: number; last: number; folioClass: number; mapCount: number }[] = [];
    let at = this.#find(first);
    if (at < 0 || this.#runs[at]!.last <= first) at++;
    const from = at;
    const kept: typeof out = [];
    while (at < this.#runs.length && this.#runs[at]!.first < last) {
      const run = this.#runs[at]!;
      if (run.first < first) kept.push({ ...run, last: first });
      out.push({ ...run, first: Math.max(run.first, first), last: Math.min(run.last, last) });
      if (run.last > last) kept.push({ ...run, first: last });
      at++;
    }
    this.#runs.splice(from, at - from, ...kept);
    return out;
  }

  #insert(first: number, last: number, folioClass: number, mapCount: number): void {
    const at = this.#find(first);
    const left = this.#runs[at];
    if (left && left.last === first && left.folioClass === folioClass && left.mapCount === mapCount)
      left.last = last;
    else this.#runs.splice(at + 1, 0, { first, last, folioClass, mapCount });
  }
}
