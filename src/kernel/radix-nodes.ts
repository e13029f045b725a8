import { endOf, type Lane } from '../units/lanes.ts';
import { RangeSet } from './range-set.ts';

/** Consecutive nodes of one level; level 0 holds the leaves. */
export interface NodeRun {
  level: number;
  first: number;
  count: number;
}

/**
 * Counts the nodes of a radix tree that holds some indices: xarrays (6 bits a level) and page tables (9 bits a level) alike.
 * Each level is the set of its nodes, so a range costs a few runs whatever its length. Page tables always have all their levels;
 * an xarray is only as high as its highest index asks for (lib/xarray.c:xas_expand, xas_shrink), and keeps index 0 alone in its head.
 */
export class RadixNodes {
  /** Nodes held, all levels. */
  size = 0;
  /**
   * Nodes that came, each behind the one above it, and nodes that went, for whoever keeps their pages to take from here; null where nobody
   * does.
   */
  readonly changes: { gained: NodeRun[]; lost: NodeRun[] } | null;
  readonly #span: number;
  readonly #levels: RangeSet[];
  readonly #grows: boolean;
  /** Levels in use. */
  #height: number;
  /** Whether index 0 sits in the head of a tree without nodes. */
  #headUsed = false;

  constructor(config: { bits: number; levels: number; grows: boolean; hasPages?: boolean }) {
    this.#span = 2 ** config.bits;
    this.#levels = Array.from({ length: config.levels }, () => new RangeSet());
    this.#grows = config.grows;
    this.#height = config.grows ? 0 : config.levels;
    this.changes = config.hasPages ? { gained: [], lost: [] } : null;
  }

  /** Leaf nodes known to be there without looking: [#knownFrom, #knownTo). */
  #knownFrom = 0;
  #knownTo = 0;

  #hasLeaf(node: number): boolean {
    if (node >= this.#knownFrom && node < this.#knownTo) return true;
    if (this.#height === 0 || !this.#levels[0]!.has(node)) return false;
    const run = this.#levels[0]!.runAround(node);
    if (run) {
      this.#knownFrom = run.start;
      this.#knownTo = run.end;
    }
    return true;
  }

  /** Stretches of leaf nodes within [first, first+count) that are not there. */
  forEachLeafGap(first: number, count: number, visit: (node: number, count: number) => void): void {
    this.#levels[0]!.forEachGap(first, count, visit);
  }

  /** Whether the leaf node of an index is there. */
  hasLeafOf(index: number): boolean {
    return this.#hasLeaf(Math.floor(index / this.#span));
  }

  /** Whether entries may hang above the leaf level, where no node of a level below tells of them. */
  #hasHuge = false;

  /** Like add() for entries that sit one level above the leaves: huge pages. */
  addAboveLeaves(index: number, count: number): number {
    this.#hasHuge = true;
    return this.#addFrom(1, index, count);
  }

  /**
   * Nodes that lead to what is there in some ranges of indices: leaf nodes that a range touches, and the nodes above those. Ranges are
   * ascending and do not overlap.
   */
  countOver(ranges: readonly { start: number; count: number }[]): number {
    let total = 0;
    let below = ranges;
    for (let l = 0; l < this.#height; l++) {
      const nodes = new RangeSet();
      for (const { start, count } of below) {
        const first = Math.floor(start / this.#span);
        const last = Math.floor((start + count - 1) / this.#span);
        for (const run of this.#levels[l]!.runs(first, last - first + 1)) nodes.add(run.start, run.count);
      }
      total += nodes.size;
      below = nodes.runs(0, 2 ** 50);
    }
    return total;
  }

  /** Frees the leaf nodes [first, first+count) and nothing above them. Returns how many there were. */
  removeLeaves(first: number, count: number): number {
    this.#knownTo = 0;
    return this.#removeNodes(0, first, count);
  }

  /** Makes sure that every index of the range has its path. Returns how many nodes that took. */
  add(index: number, count: number): number {
    if (count === 1 && this.#hasLeaf(Math.floor(index / this.#span))) return 0;
    return this.#addFrom(0, index, count);
  }

  /** add() for a lane of indices: no node is left out where they are closer than a node is wide. */
  addLane(lane: Lane): number {
    if (lane.stride <= this.#span) return this.add(lane.index, endOf(lane) - lane.index);
    let added = 0;
    for (let k = 0; k < lane.count; k++) added += this.add(lane.index + k * lane.stride, 1);
    return added;
  }

  #addFrom(lowest: number, index: number, count: number): number {
    const before = this.size;
    if (this.#grows) this.#expand(index + count - 1);
    const span = this.#span ** (lowest + 1);
    this.#addPaths(lowest, Math.floor(index / span), Math.floor((index + count - 1) / span));
    return this.size - before;
  }

  /** Nodes [first, last] of a level and those above them. Nothing new here means that everything above exists, too. */
  #addPaths(l: number, first: number, last: number): void {
    if (l >= this.#height) return;
    const came: NodeRun[] = [];
    if (this.changes) {
      this.#levels[l]!.forEachGap(first, last - first + 1, (node, count) => {
        came.push({ level: l, first: node, count });
      });
    }
    if (this.#addNodes(l, first, last - first + 1) === 0) return;
    this.#addPaths(l + 1, Math.floor(first / this.#span), Math.floor(last / this.#span));
    this.changes?.gained.push(...came);
  }

  /**
   * Frees the nodes that the removal of a range left empty; `isEmpty` tells whether nothing is left in a range of indices, which for
   * page tables may be more than what they map. Returns how many were freed.
   */
  remove(index: number, count: number, isEmpty: (index: number, count: number) => boolean): number {
    this.#knownTo = 0;
    const before = this.size;
    const span = this.#span;
    let first = index;
    let end = index + count;
    let below = isEmpty;
    for (let l = 0; l < this.#height; l++) {
      const level = this.#levels[l]!;
      let from = Math.floor(first / span);
      let to = Math.ceil(end / span);
      if (from < to && !below(from * span, span)) from++;
      if (from < to && !below((to - 1) * span, span)) to--;
      if (from >= to) break;
      this.#removeNodes(l, from, to - from);
      first = from;
      end = to;
      const width = span ** (l + 1);
      const hasNone = (at: number, n: number): boolean => isEmpty(at * width, n * width);
      const hasNoNode = (at: number, n: number): boolean => level.countIn(at, n) === 0;
      if (!this.#grows) below = hasNone;
      else below = this.#hasHuge ? (at, n) => hasNoNode(at, n) && hasNone(at, n) : hasNoNode;
    }
    if (this.#grows) this.#shrink(isEmpty);
    return before - this.size;
  }

  /** Frees everything. Returns how many nodes there were. */
  clear(): number {
    this.#knownTo = 0;
    const had = this.size;
    for (const level of this.#levels) level.remove(0, 2 ** 50);
    this.size = 0;
    if (this.changes) this.changes.gained.length = this.changes.lost.length = 0;
    if (this.#grows) this.#height = 0;
    this.#headUsed = false;
    return had;
  }

  #addNodes(l: number, first: number, count: number): number {
    const level = this.#levels[l]!;
    const had = level.size;
    level.add(first, count);
    this.size += level.size - had;
    return level.size - had;
  }

  #removeNodes(l: number, first: number, count: number): number {
    const level = this.#levels[l]!;
    const had = level.size;
    const lost = this.changes?.lost;
    if (lost)
      level.forEachRun(first, count, (node, n) => void lost.push({ level: l, first: node, count: n }));
    level.remove(first, count);
    this.size += level.size - had;
    return had - level.size;
  }

  /** Raises the tree until `last` fits; what was there stays below the first node of each new level. */
  #expand(last: number): void {
    while (last >= this.#span ** this.#height && this.#height < this.#levels.length) {
      // An empty tree needs no path to what is not there.
      if (this.#height > 0 ? this.size > 0 : this.#headUsed) this.#addNodes(this.#height, 0, 1);
      this.#height++;
    }
    if (last === 0 && this.#height === 0) this.#headUsed = true;
  }

  #shrink(isEmpty: (index: number, count: number) => boolean): void {
    while (this.#height > 0) {
      const top = this.#levels[this.#height - 1]!;
      if (top.size === 0) {
        this.#height--;
        continue;
      }
      const onlyFirst =
        this.#height === 1
          ? isEmpty(1, this.#span - 1) && !isEmpty(0, 1)
          : this.#levels[this.#height - 2]!.size === 1 && this.#levels[this.#height - 2]!.has(0);
      const width = this.#span ** (this.#height - 1);
      if (!onlyFirst) return;
      if (this.#hasHuge && this.#height > 1 && !isEmpty(width, width * (this.#span - 1))) return;
      top.remove(0, 1);
      this.size--;
      this.#height--;
      if (this.#height === 0) this.#headUsed = true;
    }
    if (this.#height === 0 && isEmpty(0, 1)) this.#headUsed = false;
  }
}
