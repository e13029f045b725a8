import type { Kernel } from './kernel.ts';
import { truncateRange } from './page-cache.ts';
import type { Task } from './task.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/**
 * drop_caches with bit 1 (mm/vmscan.c:drop_slab). Of objects that could be made again the model has none: its reclaimable slab holds the trees
 * of page caches, which are in use. But the shrinker of a tmpfs splits the huge folios that reach beyond the ends of their files, and what lies
 * beyond is freed (mm/shmem.c:shmem_unused_huge_shrink). `task` places the xarray nodes that this takes.
 */
export function dropSlab(kernel: Kernel, task: Task): void {
  for (const inode of kernel.inodes) {
    const beyond = PAGES_PER_PMD - (inode.sizePages % PAGES_PER_PMD);
    if (inode.kind !== 'shmem' || beyond === PAGES_PER_PMD) continue;
    const pfn = inode.cache.get(inode.sizePages);
    if (pfn < 0 || kernel.classes.get(kernel.frames.classOf(pfn)).order === 0) continue;
    truncateRange(kernel, task, inode, inode.sizePages, beyond);
  }
  kernel.event('drop_slab', 1);
}
