import { allocateFolio, allocateFolios, freeFolios, payerOf } from './folios.ts';
import { truncateHugetlbFrom } from './hugetlb-file.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Policy } from './mempolicy.ts';
import { mirrorPages, mirrorRange } from './mirror.ts';
import { commitRoom } from './overcommit.ts';
import { forEachLane, type FrameRun, NO_INTERLEAVE_INDEX } from './page-allocator.ts';
import { zapRange } from './rmap.ts';
import { allocateXarrayNodes, freeXarrayNodes } from './slab.ts';
import { OneRun, SinglePages } from '../units/page-runs.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import { fillHugeGmem, isGmemHuge } from './gmem-huge.ts';
import type { PolicyChoice } from './hooks.ts';
import { fillHugeShmem, isShmemHuge, splitAtBorders } from './shmem-huge.ts';
import { chunkOf } from './memory-pressure.ts';
import { swapInShmem } from './swap-in.ts';
import { recalcInode } from './recalc-inode.ts';
import { truncateSwapped } from './swap-slots.ts';
import type { Task } from './task.ts';
import { mountRoom } from './tmpfs-mount.ts';
import type { Vma } from './vma.ts';

/** Why an allocation stopped before the end of its range. */
export type FillFailure = 'ENOMEM' | 'EINTR' | 'ENOSPC' | null;

/**
 * Makes sure that every page of a range is in the page cache (mm/filemap.c:__filemap_get_folio with FGP_CREAT, mm/shmem.c:
 * shmem_get_folio_gfp). Pages got before a failure stay. `vma` is the mapping through which a fault came.
 */
export function fillCache(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
  dirty: boolean,
  vma: Vma | null = null,
): FillFailure {
  if (inode.swapped.size > 0) {
    const failed = swapInShmem(kernel, task, inode, index, count);
    if (failed) return failed;
  }
  const fits = placesLeft(kernel, task, inode, index, count);
  if (fits < count) {
    const failed = fits > 0 ? fillCache(kernel, task, inode, index, fits, dirty, vma) : null;
    return failed ?? 'ENOSPC';
  }
  if (isShmemHuge(kernel, inode)) fillHugeShmem(kernel, task, inode, index, count, dirty, vma);
  if (isGmemHuge(kernel, inode)) {
    const policyAt = (at: number): PolicyChoice => policyFor(kernel, inode, at, task);
    fillHugeGmem(kernel, task, inode, index, count, policyAt);
  }
  if (count === 1) {
    return inode.cache.has(index) ? null : fillOne(kernel, task, inode, index, dirty);
  }
  let failed: FillFailure = null;
  inode.cache.forEachGap(index, count, (at, n) => {
    if (!failed) failed = fillGap(kernel, task, inode, at, n, dirty);
  });
  return failed;
}

/**
 * How many pages of a range, from its start on, a file may have: its mount has a size, and strict overcommit one for those that commit
 * their pages one by one (mm/shmem.c:shmem_inode_acct_blocks).
 */
function placesLeft(kernel: Kernel, task: Task, inode: Inode, index: number, count: number): number {
  const commits = kernel.overcommit.mode === 2 && inode.kind === 'shmem' && !inode.reservesWhole;
  let room = Math.min(mountRoom(inode), commits ? commitRoom(kernel, task.process.mm) : Infinity);
  if (room === Infinity) return count;
  let fits = count;
  inode.cache.forEachGap(index, count, (at, n) => {
    if (n > room) fits = Math.min(fits, at + room - index);
    room = Math.max(0, room - n);
  });
  return fits;
}

/**
 * fillCache for single absent pages of a gmem in any order, none of them twice: frames are taken in that order. Returns how many pages
 * there are now, and why they are fewer than asked for.
 */
export function fillPages(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  indices: Float64Array,
  n: number,
): { count: number; failed: FillFailure } {
  let done = 0;
  while (done < n) {
    const first = policyFor(kernel, inode, indices[done]!, task);
    let end = done + 1;
    // A request of one policy, by the thread's own counter, may go through as one.
    while (end < n && first.ilx === NO_INTERLEAVE_INDEX) {
      const index = indices[end]!;
      const isCovered = index >= indices[done]! && index < first.until;
      const other = isCovered ? first : policyFor(kernel, inode, index, task);
      if (other.policy !== first.policy || other.ilx !== NO_INTERLEAVE_INDEX) break;
      end++;
    }
    const answer = allocateFolios(kernel, task, {
      kind: inode.kind,
      inode,
      policy: first.policy,
      ilx: first.ilx,
      count: end - done,
      dirty: false,
    });
    const from = done;
    // One structure after the other: the look-ups of a loop do not wait for each other, so their cache misses overlap.
    for (const run of answer.runs) {
      for (let k = 0; k < run.count; k++) {
        inode.cache.setOne(indices[done++]!, run.lanes[k % run.period]! + Math.floor(k / run.period));
      }
    }
    let nodes = 0;
    for (let i = from; i < done; i++) nodes += inode.nodes.add(indices[i]!, 1);
    allocateXarrayNodes(kernel, task, inode.slab, nodes);
    if (done > from && inode.kind === 'gmem') {
      mirrorPages(kernel, inode, indices.subarray(from, done), answer.runs);
      const pages = new SinglePages(indices.subarray(from, done));
      kernel.hooks.folioAllocated(inode, pages, runNodes(kernel, answer.runs), task);
    }
    if (answer.failed) return { count: done, failed: answer.failed };
  }
  return { count: done, failed: null };
}

function fillOne(kernel: Kernel, task: Task, inode: Inode, index: number, dirty: boolean): FillFailure {
  if (inode.evictedPages > 0) recalcInode(kernel, inode);
  const choice = policyFor(kernel, inode, index, task);
  const pfn = allocateFolio(kernel, task, inode.kind, inode, choice.policy, choice.ilx, dirty);
  if (typeof pfn === 'string') return pfn;
  inode.cache.setOne(index, pfn);
  allocateXarrayNodes(kernel, task, inode.slab, inode.nodes.add(index, 1));
  if (inode.kind === 'gmem') {
    mirrorRange(kernel, inode, index, 1);
    kernel.hooks.folioAllocated(inode, new OneRun(index, 1), laneNodes(kernel, 1, 1, [pfn]), task);
  }
  return null;
}

function fillGap(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
  dirty: boolean,
): FillFailure {
  if (inode.evictedPages > 0) recalcInode(kernel, inode);
  const end = index + count;
  while (index < end) {
    const choice = policyFor(kernel, inode, index, task);
    const { memcg } = payerOf(kernel, task, inode.kind, inode);
    const n = chunkOf(memcg, Math.min(end, choice.until) - index);
    const answer = allocateFolios(kernel, task, {
      kind: inode.kind,
      inode,
      policy: choice.policy,
      ilx: choice.ilx,
      count: n,
      dirty,
    });
    let at = index;
    for (const run of answer.runs) {
      if (run.count === 1) inode.cache.setOne(at, run.lanes[0]!);
      else inode.cache.setRun(at, run.count, run.period, run.lanes);
      at += run.count;
    }
    if (answer.count > 0) {
      allocateXarrayNodes(kernel, task, inode.slab, inode.nodes.add(index, answer.count));
      if (inode.kind === 'gmem') {
        mirrorRange(kernel, inode, index, answer.count);
        const pages = new OneRun(index, answer.count);
        kernel.hooks.folioAllocated(inode, pages, runNodes(kernel, answer.runs), task);
      }
    }
    if (answer.failed) return answer.failed;
    index += answer.count;
  }
  return null;
}

/**
 * Policy and interleave index of a new page-cache page. shmem: shared policy of the inode, else the thread's, both by inode number plus
 * page index (mm/shmem.c:shmem_get_pgoff_policy). gmem and files: the thread's counter, whatever the policy (mm/filemap.c).
 */
function policyFor(
  kernel: Kernel,
  inode: Inode,
  index: number,
  task: Task,
): { policy: Policy | null; ilx: number; until: number } {
  if (inode.kind === 'shmem') {
    const found = inode.policy.lookup(index);
    return { policy: found.policy ?? task.policy, ilx: inode.ino + index, until: found.end };
  }
  if (inode.kind === 'gmem') {
    const chosen = kernel.hooks.choosePolicy(inode, index, task);
    if (chosen?.policy) {
      return { policy: chosen.policy, ilx: chosen.ilx ?? NO_INTERLEAVE_INDEX, until: chosen.until };
    }
    const until = chosen?.until ?? Infinity;
    if (inode.policy.isEmpty) return { policy: task.policy, ilx: NO_INTERLEAVE_INDEX, until };
    const found = inode.policy.lookup(index);
    return {
      policy: found.policy ?? task.policy,
      ilx: NO_INTERLEAVE_INDEX,
      until: Math.min(until, found.end),
    };
  }
  return { policy: task.policy, ilx: NO_INTERLEAVE_INDEX, until: Infinity };
}

/**
 * Removes a range from the page cache (mm/truncate.c:truncate_inode_pages_range): user mappings go first, then the folios, each
 * uncharged from its own memcg. Private copies stay. `task` is the caller; nobody's where the whole file goes.
 */
export function truncateRange(
  kernel: Kernel,
  task: Task | null,
  inode: Inode,
  index: number,
  count: number,
): void {
  if (inode.swapped.size > 0) truncateSwapped(kernel, inode, index, count);
  if (inode.evictedPages > 0) recalcInode(kernel, inode);
  if (inode.cache.size === 0 && inode.nodes.size === 0) return;
  if (inode.launched.size > 0) inode.launched.remove(index, count);
  const end = index + count;
  for (const { mm, vma } of Array.from(inode.mappings)) {
    const from = Math.max(index, vma.pgoff);
    const to = Math.min(end, vma.pgoff + vma.end - vma.start);
    if (from >= to) continue;
    if (inode.kind === 'gmem') kernel.shadowWork.rmapWalks++;
    zapRange(kernel, mm, vma.start + from - vma.pgoff, to - from, 'file');
  }
  if (inode.untouched.size > 0) inode.untouched.remove(index, count);
  if (task) splitAtBorders(kernel, task, inode, index, end);
  removePages(kernel, inode, index, count);
}

/** Takes pages that nothing maps out of the page cache and frees them (mm/filemap.c:filemap_remove_folio). */
export function removePages(kernel: Kernel, inode: Inode, index: number, count: number): void {
  inode.cache.clear(index, count, (at, n, period, lanes) => {
    if (inode.kind === 'gmem') kernel.hooks.folioFreed(inode, at, n, laneNodes(kernel, n, period, lanes));
    forEachLane(n, period, lanes, (pfn, length) => freeFolios(kernel, pfn, length));
  });
  const freed = inode.nodes.remove(index, Math.min(count, 2 ** 40), (at, n) => !hasAny(inode, at, n));
  freeXarrayNodes(kernel, inode.slab, freed);
}

function hasAny(inode: Inode, index: number, count: number): boolean {
  let any = false;
  const found = (): void => {
    any = true;
  };
  inode.cache.forEach(index, count, found);
  if (!any) inode.swapped.forEach(index, count, found);
  return any;
}

/** Pages of a range by node. */
export function nodePages(kernel: Kernel, inode: Inode, index: number, count: number): Float64Array {
  const out = new Float64Array(kernel.nodes.length);
  inode.cache.forEach(index, count, (_, n, period, lanes) => addLanes(kernel, out, n, period, lanes));
  return out;
}

function runNodes(kernel: Kernel, runs: readonly FrameRun[]): Float64Array {
  const out = new Float64Array(kernel.nodes.length);
  for (const run of runs) addLanes(kernel, out, run.count, run.period, run.lanes);
  return out;
}

function laneNodes(kernel: Kernel, count: number, period: number, lanes: readonly number[]): Float64Array {
  const out = new Float64Array(kernel.nodes.length);
  addLanes(kernel, out, count, period, lanes);
  return out;
}

function addLanes(
  kernel: Kernel,
  out: Float64Array,
  count: number,
  period: number,
  lanes: readonly number[],
): void {
  for (let l = 0; l < period; l++) {
    const nid = kernel.nidOf(lanes[l]!);
    out[nid] = out[nid]! + Math.ceil((count - l) / period);
  }
}

/** Frees the pages of a file that nothing refers to any more (fs/inode.c:evict). Regular files outlive their users. */
export function evictUnused(kernel: Kernel, inode: Inode): void {
  if (inode.refs > 0 || inode.kind === 'file' || !kernel.inodes.delete(inode)) return;
  if (inode.kind === 'gmem') kernel.releaseGmem(inode);
  // A huge folio may reach past the end of the file.
  if (inode.kind === 'hugetlb') truncateHugetlbFrom(kernel, inode, 0);
  else truncateRange(kernel, null, inode, 0, Math.ceil(inode.sizePages / PAGES_PER_PMD) * PAGES_PER_PMD);
  if (inode.reservesWhole) kernel.committed -= inode.sizePages;
}
