import { RangeSet } from './range-set.ts';

/**
 * Counts the nodes of a radix tree that holds some indices: xarray nodes (6 bits a level) and page tables (9 bits a level) alike.
 * Each level is the set of its nodes, so a range costs a few runs whatever its length.
 */
export class RadixNodes {
  /** Nodes held, all levels. */
  size = 0;
  readonly #bits: number;
  readonly #levels: RangeSet[];

  constructor(config: { bits: number; levels: number }) {
    this.#bits = config.bits;
    this.#levels = Array.from({ length: config.levels }, () => new RangeSet());
  }

  /** Makes sure that every index of the range has its path. Returns how many nodes that took. */
  add(index: number, count: number): number {
    const before = this.size;
    let first = index;
    let last = index + count - 1;
    for (const level of this.#levels) {
      first = Math.floor(first / 2 ** this.#bits);
      last = Math.floor(last / 2 ** this.#bits);
      const had = level.size;
      level.add(first, last - first + 1);
      this.size += level.size - had;
      // Nothing new here means that everything above exists, too.
      if (level.size === had) break;
    }
    return this.size - before;
  }

  /** Whether the lowest node above an index exists. */
  has(index: number): boolean {
    return this.#levels[0]!.has(Math.floor(index / 2 ** this.#bits));
  }

  /**
   * Frees the nodes that the removal of a range left empty; `isEmpty` tells whether nothing is left in a range of indices. Returns
   * how many were freed.
   */
  remove(index: number, count: number, isEmpty: (index: number, count: number) => boolean): number {
    const before = this.size;
    let first = index;
    let end = index + count;
    let below = isEmpty;
    for (const level of this.#levels) {
      const span = 2 ** this.#bits;
      let from = Math.floor(first / span);
      let to = Math.ceil(end / span);
      if (from < to && !below(from * span, span)) from++;
      if (from < to && !below((to - 1) * span, span)) to--;
      if (from >= to) break;
      const had = level.size;
      level.remove(from, to - from);
      this.size += level.size - had;
      first = from;
      end = to;
      below = (at, n) => level.countIn(at, n) === 0;
    }
    return before - this.size;
  }

  /** Frees everything. Returns how many nodes there were. */
  clear(): number {
    const had = this.size;
    for (const level of this.#levels) level.remove(0, 2 ** 50);
    this.size = 0;
    return had;
  }
}
