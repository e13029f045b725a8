import type { Kernel } from '../../kernel/kernel.ts';
import type { NodeItemName } from '../../kernel/node.ts';
import { commitLimit } from '../../kernel/overcommit.ts';
import type { SystemFacts } from '../../procfs/facts.ts';
import type { World } from '../world.ts';
import { HUGE_PAGE_KB } from './hugetlb-facts.ts';

/** What /proc/meminfo and /proc/vmstat say beyond sums over nodes. */
export function systemFacts(world: World): SystemFacts {
  const { kernel } = world;
  const { total, free, reserved, surplus } = kernel.hugetlb;
  return {
    meminfoPages: {
      MemAvailable: memAvailable(kernel),
      CommitLimit: commitLimit(kernel),
      Committed_AS: kernel.committed,
      Buffers: 0,
      SwapTotal: kernel.swap.totalPages,
      SwapFree: kernel.swap.freePages,
      ...(kernel.poisoned.size > 0 ? { HardwareCorrupted: kernel.poisoned.size } : {}),
    },
    hugepages: { total, free, reserved, surplus, hugepageKb: HUGE_PAGE_KB },
    vmEvents: { ...kernel.vmEvents },
  };
}

/**
 * mm/show_mem.c:si_mem_available: free pages without the reserves, plus the page cache on the file lists and reclaimable slab, of
 * each of which half or the low watermarks' sum may be needed.
 */
function memAvailable(kernel: Kernel): number {
  const zones = kernel.nodes.flatMap((node) => node.zones);
  const low = zones.reduce((sum, zone) => sum + zone.low, 0);
  const reserve = zones.reduce((sum, zone) => sum + Math.min(zone.high + zone.reserve, zone.pages), 0);
  const free = kernel.nodes.reduce((sum, node) => sum + node.freePages, 0);
  const counted = (name: NodeItemName): number =>
    kernel.nodes.reduce((sum, node) => sum + node.counter(name), 0);
  const usable = (pages: number): number => pages - Math.min(Math.floor(pages / 2), low);
  const file = counted('nr_active_file') + counted('nr_inactive_file');
  return Math.max(0, free - reserve + usable(file) + usable(counted('nr_slab_reclaimable')));
}
