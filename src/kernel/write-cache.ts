import { markDirty } from './folio-flags.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { forEachLane } from './page-allocator.ts';
import { type FillFailure, fillCache } from './page-cache.ts';
import type { Task } from './task.ts';
import { touchFolios } from './whole-folios.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/** writeCache for a file that is written to: its pages hold data then. */
export function writeCache(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
): FillFailure {
  const failed = dirtyCache(kernel, task, inode, index, count);
  touchFolios(kernel, inode, index, count);
  return failed;
}

/** writeCache for fallocate, which leaves pages that are new as they came, to be cleared when somebody asks for them. */
export function fallocateShmem(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
): FillFailure {
  // A huge folio reaches past the range.
  const first = Math.floor(index / PAGES_PER_PMD) * PAGES_PER_PMD;
  const span = Math.ceil((index + count) / PAGES_PER_PMD) * PAGES_PER_PMD - first;
  const absent: { at: number; n: number }[] = [];
  inode.cache.forEachGap(first, span, (at, n) => absent.push({ at, n }));
  const failed = dirtyCache(kernel, task, inode, index, count);
  for (const { at, n } of absent)
    inode.cache.forEach(at, n, (from, pages) => inode.untouched.add(from, pages));
  return failed;
}

/**
 * Has every page of a range of a tmpfs file in the page cache, dirty: those that were there already, too (folio_mark_dirty in mm/shmem.c:
 * shmem_write_end and shmem_fallocate). After a failure that holds for the pages before the one that could not be had.
 */
function dirtyCache(kernel: Kernel, task: Task, inode: Inode, index: number, count: number): FillFailure {
  const failed = fillCache(kernel, task, inode, index, count, true);
  let end = index + count;
  if (failed) {
    inode.cache.forEachGap(index, count, (at) => {
      end = Math.min(end, at);
    });
  }
  inode.cache.forEach(index, end - index, (_, n, period, lanes) =>
    forEachLane(n, period, lanes, (pfn, length) => markDirty(kernel, pfn, length)),
  );
  return failed;
}
