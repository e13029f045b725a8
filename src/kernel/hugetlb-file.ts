import { PAGES_PER_PMD } from '../units/pages.ts';
import { addSurplus } from './hugetlb-buddy.ts';
import { type HugeRun, returnToPool, takeFromPool } from './hugetlb-pool.ts';
import { unmapHugetlb } from './hugetlb-maps.ts';
import { unreservePages } from './hugetlb-reserve.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { interleaveRound, type Policy } from './mempolicy.ts';
import type { Mm } from './mm.ts';
import { fallbackFrom, placementOf } from './page-allocator.ts';
import type { RangeSet } from './range-set.ts';
import { allocateXarrayNodes, freeXarrayNodes } from './slab.ts';
import type { Task } from './task.ts';
import type { Vma } from './vma.ts';

/** A request for huge pages. */
export interface HugeRequest {
  policy: Policy | null;
  /** Index of the first page in its mapping: what interleaving goes by. */
  ilx: number;
  count: number;
  /** The pages were promised; without a promise only what nobody was promised can be had. */
  isReserved: boolean;
  /** The file whose page cache they go to; null for a private page. */
  inode: Inode | null;
  dirty: boolean;
}

/**
 * Huge pages for a task in page order (mm/hugetlb.c:alloc_hugetlb_folio): from the pool, else as surplus where overcommit allows. Fewer
 * than asked for means that the nodes of the policy have no more.
 */
export function allocateHugetlb(kernel: Kernel, task: Task, request: HugeRequest): HugeRun[] {
  const pool = kernel.hugetlb;
  const { policy, ilx, count, isReserved, inode, dirty } = request;
  const limit = isReserved ? count : Math.max(0, Math.min(count, pool.available));
  const runs = takeFromPool(kernel, task, policy, ilx, limit);
  let got = pagesOf(runs);
  while (got < count) {
    const { order, most } = surplusNodes(kernel, task, policy, ilx + got);
    const fresh = addSurplus(kernel, task, order, Math.min(most, count - got));
    if (fresh === 0) break;
    runs.push(...takeFromPool(kernel, task, policy, ilx + got, fresh));
    got += fresh;
  }
  if (isReserved) pool.reserved -= got;
  const classFor = (isDirty: boolean): number =>
    kernel.classes.of('hugetlb', inode, kernel.rootMemcg, task.process.worker, isDirty).id;
  for (const run of runs) {
    kernel.frames.reclass(run.pfn, run.count * PAGES_PER_PMD, (id) =>
      classFor(dirty || kernel.classes.get(id).dirty),
    );
  }
  return runs;
}

/** alloc_buddy_hugetlb_folio_with_mpol: where a surplus page may come from, and for how many pages that holds. */
export function surplusNodes(
  kernel: Kernel,
  task: Task,
  policy: Policy | null,
  ilx: number,
): { order: readonly number[]; most: number } {
  if (policy?.mode === 'interleave' || policy?.mode === 'winterleave') {
    const round = interleaveRound(policy, kernel.weights);
    return { order: fallbackFrom(kernel, task, round[ilx % round.length]!).first, most: 1 };
  }
  const { first, second } = placementOf(kernel, task, policy);
  return { order: second ? [...first, ...second] : first, most: Infinity };
}

export const pagesOf = (runs: readonly HugeRun[]): number => runs.reduce((sum, run) => sum + run.count, 0);

/**
 * Makes sure that huge pages [index, index+count) are in the page cache of a hugetlb file (hugetlb_no_page for shared mappings,
 * fs/hugetlbfs/inode.c:hugetlbfs_fallocate). They are dirty from the start. Pages got before a failure stay.
 */
export function fillHugetlb(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
  policy: Policy | null,
): 'ENOSPC' | null {
  const gaps: { index: number; count: number }[] = [];
  inode.cache.forEachGap(index * PAGES_PER_PMD, count * PAGES_PER_PMD, (at, n) =>
    gaps.push({ index: at / PAGES_PER_PMD, count: n / PAGES_PER_PMD }),
  );
  for (const gap of gaps) {
    for (const part of membership(inode.hugeRegions, gap.index, gap.count)) {
      const runs = allocateHugetlb(kernel, task, {
        policy,
        ilx: part.index,
        count: part.count,
        isReserved: part.isMember,
        inode,
        dirty: true,
      });
      let at = part.index;
      for (const run of runs) {
        inode.cache.setRun(at * PAGES_PER_PMD, run.count * PAGES_PER_PMD, 1, [run.pfn]);
        at += run.count;
      }
      const got = at - part.index;
      if (got > 0) {
        inode.hugeRegions.add(part.index, got);
        const nodes = inode.nodes.addAboveLeaves(part.index * PAGES_PER_PMD, got * PAGES_PER_PMD);
        allocateXarrayNodes(kernel, task, inode.slab, nodes);
      }
      if (got < part.count) return 'ENOSPC';
    }
  }
  return null;
}

/** A range as stretches that are all members of a set, or none of them, ascending. */
export function membership(
  set: RangeSet,
  index: number,
  count: number,
): { index: number; count: number; isMember: boolean }[] {
  const out: { index: number; count: number; isMember: boolean }[] = [];
  let at = index;
  set.forEachRun(index, count, (start, n) => {
    if (start > at) out.push({ index: at, count: start - at, isMember: false });
    out.push({ index: start, count: n, isMember: true });
    at = start + n;
  });
  if (at < index + count) out.push({ index: at, count: index + count - at, isMember: false });
  return out;
}

/**
 * Removes huge pages [index, index+count) of a hugetlb file and whatever maps them, private copies included
 * (fs/hugetlbfs/inode.c:remove_inode_hugepages). A hole keeps the promises of pages that were not there; a truncation gives them up.
 */
function truncateHugetlb(kernel: Kernel, inode: Inode, index: number, count: number, isHole: boolean): void {
  const from = index * PAGES_PER_PMD;
  const end = from + count * PAGES_PER_PMD;
  for (const { mm, vma } of Array.from(inode.mappings)) {
    const first = Math.max(from, vma.pgoff);
    const last = Math.min(end, vma.pgoff + vma.end - vma.start);
    if (first < last) unmapHugetlb(kernel, mm, vma, vma.start + first - vma.pgoff, last - first);
  }
  const had = inode.hugeRegions.countIn(index, count);
  let freed = 0;
  inode.cache.clear(from, end - from, (at, n, _period, lanes) => {
    returnToPool(kernel, lanes[0]!, n);
    freed += n / PAGES_PER_PMD;
    if (isHole) inode.hugeRegions.remove(at / PAGES_PER_PMD, n / PAGES_PER_PMD);
  });
  if (!isHole) {
    inode.hugeRegions.remove(index, count);
    unreservePages(kernel, had - freed);
  }
  const isEmpty = (at: number, n: number): boolean => {
    let isFree = true;
    inode.cache.forEach(at, n, () => {
      isFree = false;
    });
    return isFree;
  };
  freeXarrayNodes(kernel, inode.slab, inode.nodes.remove(from, end - from, isEmpty));
}

/** Huge pages of the largest file. */
const MAX_PAGES = 2 ** 31;

/** Removes all huge pages from `index` on, those beyond the end that a failed fallocate left among them (hugetlb_vmtruncate). */
export function truncateHugetlbFrom(kernel: Kernel, inode: Inode, index: number): void {
  truncateHugetlb(kernel, inode, index, MAX_PAGES - index, false);
}

/** FALLOC_FL_PUNCH_HOLE of base pages [index, index+count): whole huge pages go, of others the part is only cleared. */
export function punchHugetlb(kernel: Kernel, inode: Inode, index: number, count: number): void {
  const first = Math.ceil(index / PAGES_PER_PMD);
  const end = Math.floor((index + count) / PAGES_PER_PMD);
  if (first < end) truncateHugetlb(kernel, inode, first, end - first, true);
}

/** MADV_DONTNEED of huge pages: starts at one, and leaves one alone that is not covered. False where it does not start at one. */
export function discardHugetlb(kernel: Kernel, mm: Mm, vma: Vma, vpn: number, count: number): boolean {
  if (vpn % PAGES_PER_PMD !== 0) return false;
  const pages = Math.floor(count / PAGES_PER_PMD) * PAGES_PER_PMD;
  if (pages > 0) unmapHugetlb(kernel, mm, vma, vpn, pages);
  return true;
}
