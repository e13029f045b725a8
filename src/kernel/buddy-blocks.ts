/** Orders 0..10, as MAX_PAGE_ORDER on x86-64. */
export const MAX_ORDER = 10;

/** A stretch of consecutive frames. */
export interface Stretch {
  start: number;
  count: number;
}

/** Stretches in ascending order; those that overlap or touch are one. */
export function joinStretches(runs: Stretch[]): Stretch[] {
  const out: Stretch[] = [];
  for (const run of runs.sort((a, b) => a.start - b.start)) {
    const last = out[out.length - 1];
    if (last && last.start + last.count >= run.start) {
      last.count = Math.max(last.count, run.start + run.count - last.start);
    } else out.push(run);
  }
  return out;
}

/** Adds the blocks that a free stretch consists of to the counts per order: each as large as its alignment lets it be. */
export function addBlocks(start: number, count: number, counts: number[]): void {
  const top = 2 ** MAX_ORDER;
  const end = start + count;
  for (let at = start; at < end;) {
    if (at % top === 0 && end - at >= top) {
      const blocks = Math.floor((end - at) / top);
      counts[MAX_ORDER]! += blocks;
      at += blocks * top;
      continue;
    }
    let order = 0;
    while (order < MAX_ORDER && at % 2 ** (order + 1) === 0 && at + 2 ** (order + 1) <= end) order++;
    counts[order]!++;
    at += 2 ** order;
  }
}
