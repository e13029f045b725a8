import { RangeSet } from './range-set.ts';

/** Frames that a per-CPU list takes from the buddy allocator at once, and few of which it holds. */
const REFILL = 512;

/**
 * Free frames of one mobility type: the buddy allocator's, and in front of them a per-CPU list (struct per_cpu_pages), a stack whose
 * oldest frames go back to the buddy allocator when it is full. Frames on the list merge with nothing and are found by nobody but order-0
 * requests. Simplified: one list for all CPUs.
 */
export class FreeList {
  readonly buddy: RangeSet = new RangeSet();
  /** The newest stretch of the list. */
  #at = 0;
  #end = 0;
  /** Older stretches, oldest first from #head on. */
  #starts: number[] = [];
  #counts: number[] = [];
  #head = 0;
  #older = 0;

  /** Frames on the list. */
  get listed(): number {
    return this.#older + this.#end - this.#at;
  }

  /** Visits the stretches that are on the list. */
  forEachListed(visit: (pfn: number, count: number) => void): void {
    for (let i = this.#head; i < this.#starts.length; i++) visit(this.#starts[i]!, this.#counts[i]!);
    if (this.#at < this.#end) visit(this.#at, this.#end - this.#at);
  }

  /** Takes one frame from the list, filled from the buddy allocator where it is empty; -1 when both are. */
  takeOne(): number {
    if (this.#at === this.#end && !this.#refill(REFILL)) return -1;
    return this.#at++;
  }

  /** Takes up to `max` consecutive frames; count is 0 when there is none. */
  takeRun(max: number): { pfn: number; count: number } {
    if (this.#at === this.#end && !this.#refill(Math.max(REFILL, max))) return { pfn: 0, count: 0 };
    const count = Math.min(max, this.#end - this.#at);
    const pfn = this.#at;
    this.#at += count;
    return { pfn, count };
  }

  /** Puts freed frames on the list, which keeps `limit` of them (mm/page_alloc.c:free_unref_page_commit). */
  park(pfn: number, count: number, limit: number): void {
    if (this.#at < this.#end) {
      this.#starts.push(this.#at);
      this.#counts.push(this.#end - this.#at);
      this.#older += this.#end - this.#at;
    }
    this.#at = pfn;
    this.#end = pfn + count;
    let surplus = this.#older + count - limit;
    while (surplus > 0 && this.#older > 0) {
      const length = this.#counts[this.#head]!;
      const n = Math.min(surplus, length);
      this.#give(this.#starts[this.#head]!, n);
      this.#older -= n;
      surplus -= n;
      if (n === length) this.#head++;
      else {
        this.#starts[this.#head]! += n;
        this.#counts[this.#head] = length - n;
      }
    }
    if (surplus > 0) {
      this.#give(pfn, surplus);
      this.#at += surplus;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#starts.length) {
      this.#starts = this.#starts.slice(this.#head);
      this.#counts = this.#counts.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Gives the whole list to the buddy allocator (drain_pages). */
  drain(): void {
    for (let i = this.#head; i < this.#starts.length; i++) this.#give(this.#starts[i]!, this.#counts[i]!);
    if (this.#at < this.#end) this.#give(this.#at, this.#end - this.#at);
    this.#starts = [];
    this.#counts = [];
    this.#head = this.#older = this.#at = this.#end = 0;
  }

  /** Adds frames to the buddy allocator. Throws when one of them is there already. */
  add(pfn: number, count: number): void {
    this.#give(pfn, count);
    if (Math.max(pfn, this.#at) < Math.min(pfn + count, this.#end)) throw doubleFree(pfn, count);
  }

  /** Fills the empty list: older stretches first, then the buddy allocator's fragments, then its whole blocks. */
  #refill(wanted: number): boolean {
    if (this.#older > 0) {
      const start = this.#starts.pop()!;
      const count = this.#counts.pop()!;
      this.#older -= count;
      this.#at = start;
      this.#end = start + count;
      return true;
    }
    const run = this.buddy.firstFragment();
    if (!run) return false;
    const count = Math.min(run.count, wanted);
    this.buddy.remove(run.start, count);
    this.#at = run.start;
    this.#end = run.start + count;
    return true;
  }

  #give(pfn: number, count: number): void {
    const before = this.buddy.size;
    this.buddy.add(pfn, count);
    if (this.buddy.size !== before + count) throw doubleFree(pfn, count);
  }
}

const doubleFree = (pfn: number, count: number): Error => new Error(`double free of frames ${pfn}+${count}`);
