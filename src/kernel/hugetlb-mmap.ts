import type { Errno } from '../units/errno.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import { reserveMapping } from './hugetlb-reserve.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { mmap } from './mmap.ts';
import { evictUnused } from './page-cache.ts';
import type { Task } from './task.ts';

/** A mapping of huge pages; `file` null: MAP_ANONYMOUS|MAP_HUGETLB. Pages are base pages. */
export interface HugetlbMapRequest {
  pages: number;
  prot: string;
  shared: boolean;
  file: Inode | null;
  pgoff: number;
  at: number | null;
  noreserve: boolean;
}

/** A file on the kernel's own hugetlbfs mount for 2 MiB pages (fs/hugetlbfs/inode.c:hugetlb_file_setup). */
export function newHugetlbInode(
  kernel: Kernel,
  config: { path: string; name: string; sizePages: number },
): Inode {
  return kernel.newInode({ ...config, kind: 'hugetlb', dev: kernel.profile.hugetlbDev });
}

/**
 * mmap(2) of huge pages (fs/hugetlbfs/inode.c:hugetlbfs_file_mmap): the length is rounded up, address and offset must be aligned, and the
 * pages are promised from the start unless MAP_NORESERVE says otherwise. A writable mapping makes its file as long as it reaches.
 */
export function mmapHugetlb(kernel: Kernel, task: Task, request: HugetlbMapRequest): number | Errno {
  const { shared, noreserve, pgoff, prot, at } = request;
  if (request.pages <= 0 || pgoff % PAGES_PER_PMD !== 0 || (at ?? 0) % PAGES_PER_PMD !== 0) return 'EINVAL';
  const pages = Math.ceil(request.pages / PAGES_PER_PMD) * PAGES_PER_PMD;
  const file =
    request.file ??
    newHugetlbInode(kernel, {
      path: '/anon_hugepage (deleted)',
      name: 'anonymous huge pages',
      sizePages: pages,
    });
  const index = pgoff / PAGES_PER_PMD;
  const count = pages / PAGES_PER_PMD;
  const answer = mmap(kernel, task.process.mm!, {
    ...request,
    pages,
    file,
    extraFlags: noreserve ? ['de', 'nr', 'ht'] : ['de', 'ht'],
    reserve: () => reserveMapping(kernel, task, { file, shared, noreserve, index, count }),
  });
  if (typeof answer === 'string') evictUnused(kernel, file);
  else if (prot[1] === 'w') file.sizePages = Math.max(file.sizePages, pgoff + pages);
  return answer;
}
