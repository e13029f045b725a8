import { markDirty } from './folio-flags.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { forEachLane } from './page-allocator.ts';
import { type FillFailure, fillCache } from './page-cache.ts';
import type { Task } from './task.ts';

/**
 * Has every page of a range of a tmpfs file in the page cache, dirty: those that were there already, too (folio_mark_dirty in mm/shmem.c:
 * shmem_write_end and shmem_fallocate). After a failure that holds for the pages before the one that could not be had.
 */
export function writeCache(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
): FillFailure {
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
