import type { Policy } from './mempolicy.ts';

interface PolicyRange {
  start: number;
  end: number;
  policy: Policy;
}

/** Ranges of page indices with a policy of their own (mm/mempolicy.c:struct shared_policy). A later range overrides. */
export class SharedPolicy {
  #ranges: PolicyRange[] = [];

  /** Sets [start, end); null removes. */
  set(start: number, end: number, policy: Policy | null): void {
    const next: PolicyRange[] = [];
    for (const range of this.#ranges) {
      if (range.end <= start || range.start >= end) next.push(range);
      else {
        if (range.start < start) next.push({ ...range, end: start });
        if (range.end > end) next.push({ ...range, start: end });
      }
    }
    if (policy) next.push({ start, end, policy });
    this.#ranges = next.sort((a, b) => a.start - b.start);
  }

  /** Policy at an index and the first index where that may change. */
  lookup(index: number): { policy: Policy | null; end: number } {
    for (const range of this.#ranges) {
      if (index < range.start) return { policy: null, end: range.start };
      if (index < range.end) return { policy: range.policy, end: range.end };
    }
    return { policy: null, end: Infinity };
  }

  /** Ranges that have one. */
  get size(): number {
    return this.#ranges.length;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }
}
