import { PAGES_PER_PMD } from '../units/pages.ts';
import type { FolioClass } from './folio-class.ts';
import { HugetlbFreeList } from './hugetlb-free-list.ts';
import type { Kernel } from './kernel.ts';
import type { Policy } from './mempolicy.ts';
import { interleaveRound } from './mempolicy.ts';
import { fallbackFrom, freeFrames, placementOf } from './page-allocator.ts';
import { RangeSet } from './range-set.ts';
import type { Task } from './task.ts';

/** A node's share of the pool, in huge pages. */
export interface PoolNode {
  /** Free and in use. */
  total: number;
  /** Of them, those that go back to the buddy allocator when they become free. */
  surplus: number;
  readonly free: HugetlbFreeList;
}

/** Consecutive huge pages. */
export interface HugeRun {
  pfn: number;
  /** Huge pages. */
  count: number;
}

/** The pool of 2 MiB pages (struct hstate). All counts are huge pages. */
export class HugetlbPool {
  readonly nodes: readonly PoolNode[];
  /**
   * Promised to mappings and not handed out yet (resv_huge_pages). Falls below zero, in Linux too, when the process that made a private
   * mapping goes while children still map its pages: it gives the promises back that come back only with the pages.
   */
  reserved = 0;
  /** Pages in use, by frame number over 512, that bring a promise back when they are freed (hugetlb_restore_reserve). */
  readonly restoring: RangeSet = new RangeSet();
  /** Surplus pages that the pool may take from the buddy allocator (nr_overcommit_huge_pages). */
  overcommit = 0;
  /** Nodes whose turn it is when the pool grows and when it shrinks. */
  nextToAllocate = 0;
  nextToFree = 0;

  constructor(config: { nodes: number }) {
    this.nodes = Array.from({ length: config.nodes }, () => ({
      total: 0,
      surplus: 0,
      free: new HugetlbFreeList(),
    }));
  }

  get total(): number {
    return this.nodes.reduce((sum, node) => sum + node.total, 0);
  }

  get free(): number {
    return this.nodes.reduce((sum, node) => sum + node.free.size, 0);
  }

  get surplus(): number {
    return this.nodes.reduce((sum, node) => sum + node.surplus, 0);
  }

  /** Pages that nobody was promised. */
  get available(): number {
    return this.free - this.reserved;
  }
}

/**
 * Takes up to `count` free pages in the order of a policy; interleaving goes by the huge page's index in its mapping
 * (mm/hugetlb.c:dequeue_hugetlb_folio_vma). Runs are in page order. The pages stay allocated; the caller gives them a class.
 */
export function takeFromPool(
  kernel: Kernel,
  task: Task,
  policy: Policy | null,
  ilx: number,
  count: number,
): HugeRun[] {
  const out: HugeRun[] = [];
  if (policy?.mode === 'interleave' || policy?.mode === 'winterleave') {
    const round = interleaveRound(policy, kernel.weights);
    for (let k = 0; k < count; k++) {
      const { first } = fallbackFrom(kernel, task, round[(ilx + k) % round.length]!);
      if (takeAlong(kernel, first, 1, out) > 0) break;
    }
    return out;
  }
  const { first, second } = placementOf(kernel, task, policy);
  const missing = takeAlong(kernel, first, count, out);
  if (missing > 0 && second) takeAlong(kernel, second, missing, out);
  return out;
}

/** Takes pages of nodes in their order; returns how many are missing. */
export function takeAlong(kernel: Kernel, order: readonly number[], count: number, out: HugeRun[]): number {
  for (const nid of order) {
    const { free } = kernel.hugetlb.nodes[nid]!;
    for (let run = free.take(count); run; run = free.take(count)) {
      const pfn = run.start * PAGES_PER_PMD;
      const last = out[out.length - 1];
      if (last && last.pfn + last.count * PAGES_PER_PMD === pfn) last.count += run.count;
      else out.push({ pfn, count: run.count });
      count -= run.count;
    }
    if (count === 0) break;
  }
  return count;
}

/**
 * Gives pages back whose last user is gone (mm/hugetlb.c:free_huge_folio): a node that has surplus pages hands them to the buddy
 * allocator. Frames are consecutive and whole huge pages.
 */
export function returnToPool(kernel: Kernel, pfn: number, frames: number): void {
  const { restoring } = kernel.hugetlb;
  const restored = restoring.countIn(pfn / PAGES_PER_PMD, frames / PAGES_PER_PMD);
  if (restored > 0) {
    kernel.hugetlb.reserved += restored;
    restoring.remove(pfn / PAGES_PER_PMD, frames / PAGES_PER_PMD);
  }
  forEachNode(kernel, pfn, frames, (nid, start, n) => {
    const node = kernel.hugetlb.nodes[nid]!;
    const surplus = Math.min(node.surplus, n / PAGES_PER_PMD);
    node.surplus -= surplus;
    const kept = start + surplus * PAGES_PER_PMD;
    if (surplus > 0) returnToBuddy(kernel, nid, start, surplus);
    const rest = n - surplus * PAGES_PER_PMD;
    if (rest === 0) return;
    kernel.frames.reclass(kept, rest, (id) => poolClass(kernel, staysDirty(kernel.classes.get(id))));
    node.free.add(kept / PAGES_PER_PMD, rest / PAGES_PER_PMD);
  });
}

/** Pages leave the pool (update_and_free_hugetlb_folio). They are in no free list of it any more. */
export function returnToBuddy(kernel: Kernel, nid: number, pfn: number, pages: number): void {
  const end = pfn + pages * PAGES_PER_PMD;
  kernel.hugetlb.nodes[nid]!.total -= pages;
  kernel.frames.free(pfn, end - pfn);
  // A run of the pool may go over the border of two zones.
  for (const zone of kernel.nodes[nid]!.zones) {
    const from = Math.max(pfn, zone.startPfn);
    const to = Math.min(end, zone.startPfn + zone.spannedPages);
    if (from < to) freeFrames(kernel, from, to - from);
  }
}

/** Only pages of a file are made clean when they leave it (fs/hugetlbfs/inode.c:hugetlb_delete_from_page_cache). */
const staysDirty = ({ inode, dirty }: FolioClass): boolean => dirty && inode === null;

/**
 * Class of frames that wait in the pool, where private ones keep the flag of having been written. They belong to no group: hugetlb pages
 * are not charged as memory.
 */
export function poolClass(kernel: Kernel, isDirty: boolean): number {
  return kernel.classes.of('hugetlb', null, kernel.rootMemcg, '', isDirty).id;
}

/** Cuts consecutive frames at the borders of nodes. */
export function forEachNode(
  kernel: Kernel,
  pfn: number,
  count: number,
  visit: (nid: number, pfn: number, count: number) => void,
): void {
  const end = pfn + count;
  while (pfn < end) {
    const nid = kernel.nidOf(pfn);
    const top = kernel.nodes[nid]!.zones[0]!;
    const to = Math.min(end, top.startPfn + top.spannedPages);
    visit(nid, pfn, to - pfn);
    pfn = to;
  }
}
