import type { Kernel } from './kernel.ts';
import type { Isolated } from './migrate.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import { forEachMapping } from './rmap.ts';
import type { Vma } from './vma.ts';

/** Which pages a walk takes. */
export interface QueueRule {
  isWanted: (nid: number) => boolean;
  /** MPOL_MF_MOVE_ALL: pages that several processes map, too. */
  all: boolean;
}

/** Entries of a VMA in stretches of consecutive frames that are alike, map count included, in the order of the first address of each. */
export function forEachStretch(
  kernel: Kernel,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
  visit: (stretch: Isolated, nid: number, maps: number) => void,
): void {
  forEachMapping(mm, vma, vpn, count, (at, n, period, lanes) => {
    let lane = 0;
    forEachLane(n, period, lanes, (pfn, length) => {
      const first = at + lane++;
      kernel.frames.forEach(pfn, length, (start, pages, _id, maps) => {
        const stretch = {
          mm,
          vma,
          vpn: first + (start - pfn) * period,
          pfn: start,
          count: pages,
          stride: period,
        };
        visit(stretch, kernel.nidOf(start), maps);
      });
    });
  });
}

/** vma_migratable: shadow VMAs are none of the memory that a mempolicy call can move, unless a design says so. */
export const isMigratable = (kernel: Kernel, vma: Vma): boolean =>
  !vma.isShadow || kernel.hooks.shadowIsMigratable();

/**
 * mm/mempolicy.c:queue_pages_range with MPOL_MF_MOVE: present pages of the VMAs in a range. A page that is passed over because several
 * processes map it is no failure.
 */
export function queuePages(kernel: Kernel, mm: Mm, vpn: number, count: number, rule: QueueRule): Isolated[] {
  const out: Isolated[] = [];
  for (const vma of mm.overlapping(vpn, vpn + count)) {
    if (!isMigratable(kernel, vma)) continue;
    const from = Math.max(vpn, vma.start);
    forEachStretch(kernel, mm, vma, from, Math.min(vpn + count, vma.end) - from, (stretch, nid, maps) => {
      if (rule.isWanted(nid) && (rule.all || maps === 1)) out.push(stretch);
    });
  }
  return out;
}
