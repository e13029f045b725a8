import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';

/**
 * mm/shmem.c:shmem_recalc_inode: pages that the kernel took out of the page cache behind the back of a tmpfs file stay committed until the file
 * gets or loses pages of its own accord, or somebody asks for its size.
 */
export function recalcInode(kernel: Kernel, inode: Inode): void {
  kernel.committed -= inode.evictedPages;
  inode.evictedPages = 0;
}
