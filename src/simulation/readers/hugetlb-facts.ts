import type { Kernel } from '../../kernel/kernel.ts';
import type { Process } from '../../kernel/task.ts';
import type { Vma } from '../../kernel/vma.ts';
import { emptySmaps, type VmaFacts } from '../../procfs/facts.ts';
import { PAGE_SIZE, PAGES_PER_PMD, pagesToKb } from '../../units/pages.ts';
import { forEachNode } from '../../kernel/hugetlb-pool.ts';

export const HUGE_PAGE_KB: number = pagesToKb(PAGES_PER_PMD);

/**
 * What a walk of a mapping of huge pages adds up: numa_maps counts huge pages, smaps has two lines for them and leaves them out of all
 * others (fs/proc/task_mmu.c:gather_hugetlb_stats, smaps_hugetlb_range).
 */
export function gatherHugetlb(kernel: Kernel, process: Process, vma: Vma): Pick<VmaFacts, 'numa' | 'smaps'> {
  const nodes = kernel.nodes.map(() => 0);
  const numa = { pages: 0, anon: 0, dirty: 0, mapMax: 0, swapcache: 0, active: 0, writeback: 0, nodes };
  const smaps = emptySmaps();
  process.mm!.pt.forEach(vma.start, vma.end - vma.start, (_vpn, n, _period, lanes) => {
    kernel.frames.forEach(lanes[0]!, n, (pfn, frames, id, maps) => {
      const { inode, dirty } = kernel.classes.get(id);
      const pages = frames / PAGES_PER_PMD;
      numa.pages += pages;
      if (inode === null) numa.anon += pages;
      if (dirty) numa.dirty += pages;
      numa.mapMax = Math.max(numa.mapMax, maps);
      forEachNode(kernel, pfn, frames, (nid, _start, count) => {
        nodes[nid] = nodes[nid]! + count / PAGES_PER_PMD;
      });
      if (maps > 1) smaps.sharedHugetlb += frames * PAGE_SIZE;
      else smaps.privateHugetlb += frames * PAGE_SIZE;
    });
  });
  return { numa, smaps };
}
