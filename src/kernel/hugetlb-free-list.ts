/** Consecutive huge pages, by frame number over 512. */
interface FreeRun {
  start: number;
  count: number;
}

/** Free huge pages of a node (struct hstate hugepage_freelists): those that were put in last are taken first. */
export class HugetlbFreeList {
  readonly #runs: FreeRun[] = [];
  /** Huge pages in the list. */
  size = 0;

  add(start: number, count: number): void {
    const top = this.#runs[this.#runs.length - 1];
    if (top && top.start + top.count === start) top.count += count;
    else this.#runs.push({ start, count });
    this.size += count;
  }

  /** Takes consecutive ones of those that were put in last, at most `most`; null where there are none. */
  take(most: number): FreeRun | null {
    const top = this.#runs[this.#runs.length - 1];
    if (!top || most <= 0) return null;
    const count = Math.min(most, top.count);
    top.count -= count;
    this.size -= count;
    if (top.count === 0) this.#runs.pop();
    return { start: top.start + top.count, count };
  }
}
