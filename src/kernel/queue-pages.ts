import type { Kernel } from './kernel.ts';
import type { Isolated } from './migrate.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import { RangeSet } from './range-set.ts';
import { forEachMapping } from './rmap.ts';
import type { Vma } from './vma.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

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

/** Pages that a walk took off their lists, and how many folios it could not take. */
export interface PageQueue {
  pages: Isolated[];
  failed: number;
}

/**
 * mm/mempolicy.c:queue_pages_range with MPOL_MF_MOVE: present pages of the VMAs in a range. A page that is passed over because several
 * processes map it is no failure; one that the walk meets again, in another VMA, is off its list by then and is one (migrate_folio_add).
 */
export function queuePages(kernel: Kernel, mm: Mm, vpn: number, count: number, rule: QueueRule): PageQueue {
  const pages: Isolated[] = [];
  const taken = new RangeSet();
  let failed = 0;
  const takeOnce = (stretch: Isolated): void => {
    const { pfn, stride } = stretch;
    const fresh: Isolated[] = [];
    taken.forEachGap(pfn, stretch.count, (start, n) => {
      fresh.push({ ...stretch, vpn: stretch.vpn + (start - pfn) * stride, pfn: start, count: n });
    });
    const missed = stretch.count - fresh.reduce((sum, one) => sum + one.count, 0);
    const { order } = kernel.classes.get(kernel.frames.classOf(pfn));
    failed += Math.ceil(missed / 2 ** order);
    for (const one of fresh) taken.add(one.pfn, one.count);
    pages.push(...fresh);
  };
  for (const vma of mm.overlapping(vpn, vpn + count)) {
    if (!isMigratable(kernel, vma)) continue;
    // mm/pagewalk.c:walk_hugetlb_range looks at every huge entry that the range touches.
    const size = vma.hugetlb ? PAGES_PER_PMD : 1;
    const from = Math.max(Math.floor(vpn / size) * size, vma.start);
    const to = Math.min(Math.ceil((vpn + count) / size) * size, vma.end);
    forEachStretch(kernel, mm, vma, from, to - from, (stretch, nid, maps) => {
      if (!rule.isWanted(nid)) return;
      // Only what is mapped more than once can come again.
      if (maps === 1) pages.push(stretch);
      else if (rule.all) takeOnce(stretch);
    });
  }
  return { pages, failed };
}
