import { PAGES_PER_PMD } from '../units/pages.ts';
import { surplusNodes } from './hugetlb-file.ts';
import { addFresh, roomOf } from './hugetlb-buddy.ts';
import { type HugeRun, poolClass, returnToPool, takeAlong } from './hugetlb-pool.ts';
import type { Kernel } from './kernel.ts';
import type { Policy } from './mempolicy.ts';
import type { Piece } from './page-allocator.ts';
import type { Task } from './task.ts';

/** Huge pages that are to move; `count` is in base pages. */
interface Source {
  pfn: number;
  count: number;
}

/**
 * Targets on some nodes for huge pages that move (mm/hugetlb.c:alloc_hugetlb_folio_nodemask): pages of the pool that nobody was promised,
 * else new ones from the buddy allocator, for which the old ones leave the pool, so that it stays as large as it is.
 */
export function hugetlbTargets(
  kernel: Kernel,
  task: Task,
  order: readonly number[],
  source: Source,
): Piece[] {
  const pool = kernel.hugetlb;
  const wanted = source.count / PAGES_PER_PMD;
  const runs: HugeRun[] = [];
  const available = Math.max(0, Math.min(wanted, pool.available));
  let got = available - takeAlong(kernel, order, available, runs);
  const home = pool.nodes[kernel.nidOf(source.pfn)]!;
  for (const nid of order) {
    const node = pool.nodes[nid]!;
    const n = addFresh(kernel, task, nid, Math.min(wanted - got, roomOf(kernel, nid)));
    if (n === 0) continue;
    takeAlong(kernel, [nid], n, runs);
    got += n;
    // The old page is surplus until it is gone; one that was already hands that on (move_hugetlb_state).
    const handed = Math.min(n, home.surplus);
    node.surplus += handed;
    home.surplus += n - handed;
  }
  return runs.map(({ pfn, count }) => ({ pfn, count: count * PAGES_PER_PMD, nid: kernel.nidOf(pfn) }));
}

/**
 * hugetlbTargets in the order of a policy; interleaving goes by the index of the huge page in its file. Huge pages move one by one, and what
 * one leaves the next may take: once the first node has no more, targets come for one at a time.
 */
export function hugetlbTargetsByPolicy(
  kernel: Kernel,
  task: Task,
  policy: Policy | null,
  index: number,
  source: Source,
): Piece[] {
  const out: Piece[] = [];
  for (let done = 0; done < source.count;) {
    const { order, most } = surplusNodes(kernel, task, policy, (index + done) / PAGES_PER_PMD);
    const pool = kernel.hugetlb;
    const ready = Math.min(pool.available, pool.nodes[order[0]!]?.free.size ?? 0) * PAGES_PER_PMD;
    const count = Math.min(source.count - done, most * PAGES_PER_PMD, Math.max(ready, PAGES_PER_PMD));
    if (ready === 0 && done > 0) break;
    const pieces = hugetlbTargets(kernel, task, order, { pfn: source.pfn + done, count });
    out.push(...pieces);
    done += count;
    if (ready === 0 || pieces.length === 0) break;
  }
  return out;
}

/** Gives targets what moved frames are, map counts included; the old frames go back to the pool. */
export function moveHugetlb(kernel: Kernel, from: number, to: number, count: number): void {
  const { frames } = kernel;
  const before: { start: number; pages: number; id: number; maps: number }[] = [];
  frames.forEach(from, count, (start, pages, id, maps) => before.push({ start, pages, id, maps }));
  for (const { start, pages, id, maps } of before) {
    const target = to + start - from;
    frames.reclass(target, pages, () => id);
    if (maps === 0) continue;
    frames.addMaps(target, pages, maps, () => undefined);
    frames.addMaps(start, pages, -maps, () => undefined);
  }
  // The flag of having been written is copied, and stays (folio_migrate_flags); that of a promise to be restored goes with the old page.
  frames.reclass(from, count, (id) => poolClass(kernel, kernel.classes.get(id).dirty));
  returnToPool(kernel, from, count);
}
