import type { Errno } from '../units/errno.ts';
import { markDirty } from './folio-flags.ts';
import type { FillFailure } from './page-cache.ts';
import type { Kernel } from './kernel.ts';
import { mayCommit } from './overcommit.ts';
import { dropSwapCache } from './swap-cache.ts';
import { swapInAnonymous, swapInShmem } from './swap-in.ts';
import type { Task } from './task.ts';

/** More pages than an address space or a file has. */
const ALL = 2 ** 40;

/**
 * swapoff(2) of all swap space (mm/swapfile.c:try_to_unuse): what it holds comes back, of files first, then of processes in their order, where
 * their policies say and charged to whom it was. A policy of none is that of the task that calls. Without memory for all of it the space stays.
 */
export function swapOff(kernel: Kernel, task: Task): Errno | 0 {
  const { swap } = kernel;
  const pages = swap.totalPages;
  if (pages === 0) return 'EINVAL';
  if (!mayCommit(kernel, task.process.mm, pages)) return 'ENOMEM';
  swap.retire();
  const failed = bringAllBack(kernel, task);
  if (failed) {
    swap.activate(pages);
    return failed === 'EINTR' ? 'EINTR' : 'ENOMEM';
  }
  const cached: { pfn: number; count: number }[] = [];
  swap.slotOf.forEach(0, ALL, (pfn, count) => cached.push({ pfn, count }));
  for (const { pfn, count } of cached) {
    dropSwapCache(kernel, pfn, count);
    markDirty(kernel, pfn, count);
  }
  return 0;
}

function bringAllBack(kernel: Kernel, task: Task): FillFailure | 'SIGSEGV' | 'SIGBUS' {
  for (const inode of kernel.inodes) {
    if (inode.swapped.size === 0) continue;
    const failed = swapInShmem(kernel, task, inode, 0, ALL);
    if (failed) return failed;
  }
  for (const { mm } of kernel.processes.values()) {
    if (!mm || mm.swapped.size === 0) continue;
    for (const vma of mm.vmas) {
      const failed = swapInAnonymous(kernel, task, mm, vma, vma.start, vma.end - vma.start, false);
      if (failed) return failed;
    }
    mm.noteRss();
  }
  return null;
}
