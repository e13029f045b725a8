import { allocateFolios, freeFolios } from './folios.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Policy } from './mempolicy.ts';
import { forEachLane, NO_INTERLEAVE_INDEX } from './page-allocator.ts';
import { zapRange } from './rmap.ts';
import { allocateXarrayNodes, freeXarrayNodes } from './slab.ts';
import type { Task } from './task.ts';

/** Why an allocation stopped before the end of its range. */
export type FillFailure = 'ENOMEM' | 'EINTR' | null;

/**
 * Makes sure that every page of a range is in the page cache (mm/filemap.c:__filemap_get_folio with FGP_CREAT, mm/shmem.c:
 * shmem_get_folio_gfp). Pages got before a failure stay.
 */
export function fillCache(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
  dirty: boolean,
): FillFailure {
  if (count === 1) {
    return inode.cache.get(index) >= 0 ? null : fillGap(kernel, task, inode, index, 1, dirty);
  }
  let failed: FillFailure = null;
  inode.cache.forEachGap(index, count, (at, n) => {
    if (!failed) failed = fillGap(kernel, task, inode, at, n, dirty);
  });
  return failed;
}

function fillGap(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
  dirty: boolean,
): FillFailure {
  const end = index + count;
  while (index < end) {
    const choice = policyFor(kernel, inode, index, task);
    const n = Math.min(end, choice.until) - index;
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
      if (inode.kind === 'gmem') kernel.hooks.folioAllocated(inode, index, answer.count, task);
    }
    if (answer.failed) return answer.failed;
    index += n;
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
    if (chosen) {
      return { policy: chosen.policy, ilx: chosen.ilx ?? NO_INTERLEAVE_INDEX, until: chosen.until };
    }
    if (!inode.policy.isEmpty) {
      const found = inode.policy.lookup(index);
      return { policy: found.policy ?? task.policy, ilx: NO_INTERLEAVE_INDEX, until: found.end };
    }
  }
  return { policy: task.policy, ilx: NO_INTERLEAVE_INDEX, until: Infinity };
}

/**
 * Removes a range from the page cache (mm/truncate.c:truncate_inode_pages_range): user mappings go first, then the folios, each
 * uncharged from its own memcg. Private copies stay.
 */
export function truncateRange(kernel: Kernel, inode: Inode, index: number, count: number): void {
  if (inode.cache.size === 0) return;
  const end = index + count;
  for (const { mm, vma } of Array.from(inode.mappings)) {
    const from = Math.max(index, vma.pgoff);
    const to = Math.min(end, vma.pgoff + vma.end - vma.start);
    if (from < to) zapRange(kernel, mm, vma.start + from - vma.pgoff, to - from, 'file');
  }
  if (inode.kind === 'gmem') kernel.hooks.folioFreed(inode, index, count);
  inode.cache.clear(index, count, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (pfn, length) => freeFolios(kernel, pfn, length));
  });
  const freed = inode.nodes.remove(index, Math.min(count, 2 ** 40), (at, n) => !hasAny(inode, at, n));
  freeXarrayNodes(kernel, null, inode.slab, freed);
}

function hasAny(inode: Inode, index: number, count: number): boolean {
  let any = false;
  inode.cache.forEach(index, count, () => {
    any = true;
  });
  return any;
}

/** Pages of a range by node. */
export function nodePages(kernel: Kernel, inode: Inode, index: number, count: number): number[] {
  const out = kernel.nodes.map(() => 0);
  inode.cache.forEach(index, count, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (pfn, length) => {
      const nid = kernel.nidOf(pfn);
      out[nid] = out[nid]! + length;
    });
  });
  return out;
}

/** Drops a reference; the last one frees the file's pages (fs/inode.c:evict). */
export function putInode(kernel: Kernel, inode: Inode): void {
  if (--inode.refs > 0) return;
  if (inode.kind === 'file') return;
  if (inode.kind === 'gmem') kernel.hooks.gmemReleased(inode);
  truncateRange(kernel, inode, 0, inode.sizePages);
  if (inode.reservesWhole) kernel.committed -= inode.sizePages;
  kernel.inodes.delete(inode);
}
