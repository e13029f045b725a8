import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';

/** vm.overcommit_* and the reserves that go with them: what the kernel lets programs promise themselves. Pages. */
export interface Overcommit {
  /** 0: nothing that could never be had; 1: anything; 2: no more than the limit. */
  mode: number;
  /** The limit: per cent of the memory that is not in the pool of huge pages, unless it is given as pages. */
  ratio: number;
  limitPages: number;
  adminReserve: number;
  userReserve: number;
}

/** The settings of a kernel that was just booted (mm/util.c; the reserves of mm/mmap.c:init_admin_reserve and init_user_reserve). */
export function bootedOvercommit(totalPages: number): Overcommit {
  return {
    mode: 0,
    ratio: 50,
    limitPages: 0,
    adminReserve: Math.min(Math.floor(totalPages / 32), 2 ** 13 / 4),
    userReserve: Math.min(Math.floor(totalPages / 32), 2 ** 17 / 4),
  };
}

/** CommitLimit (mm/util.c:vm_commit_limit), pages. */
export function commitLimit({ overcommit, hugetlb, swap, totalPages }: Kernel): number {
  const { limitPages, ratio } = overcommit;
  const own = limitPages > 0 ? limitPages : Math.floor(((totalPages - hugetlb.total * 512) * ratio) / 100);
  return own + swap.totalPages;
}

/**
 * Pages that an address space may still commit in strict mode (mm/util.c:__vm_enough_memory). What was committed before the first step, by
 * programs that no scenario knows, is left out.
 */
export function commitRoom(kernel: Kernel, mm: Mm | null): number {
  const { adminReserve, userReserve } = kernel.overcommit;
  const isRoot = !mm || kernel.processes.get(mm.worker)?.uid === 0;
  const allowed =
    commitLimit(kernel) -
    (isRoot ? 0 : adminReserve) -
    (mm ? Math.min(Math.floor(mm.totalVm / 32), userReserve) : 0);
  return Math.max(0, allowed - 1 - kernel.committed);
}

/** Whether an address space may commit so many pages at once. */
export function mayCommit(kernel: Kernel, mm: Mm | null, pages: number): boolean {
  switch (kernel.overcommit.mode) {
    case 1:
      return true;
    case 2:
      return pages <= commitRoom(kernel, mm);
    default:
      return pages <= kernel.totalPages + kernel.swap.totalPages;
  }
}
