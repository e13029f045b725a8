import type { Stretch } from './buddy-blocks.ts';
import type { Zone } from './zone.ts';

const PAGEBLOCK = 512;

/**
 * mm/compaction.c:isolate_freepages: free frames as targets, from the top movable pageblock of a zone downwards. Pageblocks that are free
 * as a whole are what compaction is after: they are left alone (suitable_migration_target).
 */
export class FreeScanner {
  readonly #zone: Zone;
  /** Pageblocks that are still to come; the last one is next. */
  readonly #holes: number[];
  /** Free frames of the current pageblock that are not taken yet. */
  #runs: Stretch[] = [];
  /** Taken frames that were not needed after all. */
  #returned: Stretch[] = [];
  /** Pageblock that the scanner has come down to; Infinity before it began. */
  position: number = Infinity;
  /** Pageblocks looked through. */
  visited = 0;

  constructor(config: { zone: Zone }) {
    this.#zone = config.zone;
    this.#holes = config.zone.movableHoles();
  }

  /** Takes up to `max` consecutive frames above pageblock `floor`; null when the scanners have met. */
  take(max: number, floor: number): Stretch | null {
    const again = this.#returned[0];
    if (again) {
      const count = Math.min(max, again.count);
      const { start } = again;
      again.start += count;
      again.count -= count;
      if (again.count === 0) this.#returned.shift();
      return { start, count };
    }
    while (this.#runs.length === 0) {
      const block = this.#holes.pop();
      if (block === undefined || block <= floor) {
        this.position = Math.min(this.position, floor);
        return null;
      }
      this.position = block;
      this.visited++;
      this.#runs = this.#zone.freeRuns(block * PAGEBLOCK, PAGEBLOCK);
    }
    const run = this.#runs[0]!;
    const count = Math.min(max, run.count);
    const start = run.start;
    run.start += count;
    run.count -= count;
    if (run.count === 0) this.#runs.shift();
    this.#zone.takeAt(start, count);
    return { start, count };
  }

  /** Takes back frames of a page that did not move: they are the next to be given (compaction_free). */
  giveBack(start: number, count: number): void {
    this.#returned.push({ start, count });
  }

  /** Frees what was taken back and not given again (release_free_list). */
  release(): void {
    for (const { start, count } of this.#returned) this.#zone.free(start, count);
    this.#returned = [];
  }
}
