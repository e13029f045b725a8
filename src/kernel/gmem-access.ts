import type { Inode } from './inode.ts';

/** GUEST_MEMFD_FLAG_MMAP and GUEST_MEMFD_FLAG_INIT_SHARED. */
export const GMEM_FLAG_MMAP = 1;
export const GMEM_FLAG_INIT_SHARED = 2;

/**
 * Whether a process may touch pages of a gmem that it maps (virt/kvm/guest_memfd.c:kvm_gmem_fault_user_mapping): files of which all is
 * shared, and with in-place conversion the pages that are shared now. Else it gets SIGBUS.
 */
export function mayHostAccess(gmem: Inode, index: number, count: number): boolean {
  if (gmem.sharedPages) return gmem.sharedPages.countIn(index, count) === count;
  return (gmem.flags & GMEM_FLAG_INIT_SHARED) !== 0;
}
