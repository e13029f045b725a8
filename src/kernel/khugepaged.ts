import { PAGES_PER_PMD } from '../units/pages.ts';
import { collapseAnonymous, isCollapsible } from './collapse.ts';
import { collapseCache } from './collapse-file.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import { countOfLane } from './pfn-map.ts';
import { isShmemAllowed } from './shmem-huge.ts';
import type { Task } from './task.ts';
import { isThpAllowed } from './thp.ts';
import { indexOf, type Vma } from './vma.ts';

/** What one pass of khugepaged over an address space came to. */
export interface KhugepagedPass {
  /** VMAs that it looked at, and those of them that it passes over as a whole. */
  vmas: number;
  passed: number;
  /** Blocks that became huge pages. */
  collapsed: number;
}

/** Defaults of max_ptes_swap and max_ptes_shared below /sys/kernel/mm/transparent_hugepage/khugepaged; max_ptes_none lets all but one be missing. */
const MAX_SWAPPED = PAGES_PER_PMD / 8;
const MAX_SHARED = PAGES_PER_PMD / 2;

/**
 * khugepaged on one address space (mm/khugepaged.c:khugepaged_scan_mm_slot): every block that the settings allow and that is worth it. Page cache
 * becomes huge and is left for faults to map. Simplified: the whole address space in one pass.
 */
export function scanForHuge(kernel: Kernel, task: Task): KhugepagedPass {
  const mm = task.process.mm!;
  const pass: KhugepagedPass = { vmas: 0, passed: 0, collapsed: 0 };
  for (const vma of Array.from(mm.vmas)) {
    pass.vmas++;
    if (vma.isShadow) kernel.shadowWork.scanned++;
    if (!isCollapsible(kernel, vma) || !isAllowed(kernel, vma)) {
      pass.passed++;
      continue;
    }
    const last = Math.floor(vma.end / PAGES_PER_PMD);
    for (let block = Math.ceil(vma.start / PAGES_PER_PMD); block < last; block++) {
      if (collapseIfWorthwhile(kernel, task, mm, vma, block)) pass.collapsed++;
    }
  }
  return pass;
}

const isAllowed = (kernel: Kernel, vma: Vma): boolean =>
  vma.file ? isShmemAllowed(kernel, vma.file, vma) : isThpAllowed(kernel, vma);

function collapseIfWorthwhile(kernel: Kernel, task: Task, mm: Mm, vma: Vma, block: number): boolean {
  const vpn = block * PAGES_PER_PMD;
  if (mm.hugeBlocks.has(block) || mm.zeroBlocks.has(block)) return false;
  if (!vma.file)
    return isAnonWorthwhile(kernel, mm, vpn) && collapseAnonymous(kernel, task, mm, vma, block) === 'huge';
  const index = indexOf(vma, vpn);
  const lane = { index, count: PAGES_PER_PMD, stride: 1 };
  if (countOfLane(vma.file.cache, lane) === 0 || countOfLane(vma.file.swapped, lane) > MAX_SWAPPED)
    return false;
  return collapseCache(kernel, task, vma.file, index) === 'huge';
}

/** hpage_collapse_scan_pmd: something is there and in use, and not too much of it is in swap or others' as well. */
function isAnonWorthwhile(kernel: Kernel, mm: Mm, vpn: number): boolean {
  let present = 0;
  let shared = 0;
  let used = 0;
  mm.pt.forEach(vpn, PAGES_PER_PMD, (at, n, period, lanes) => {
    present += n;
    used += n - mm.oldPages.countIn(at, n);
    forEachLane(n, period, lanes, (pfn, length) => {
      kernel.frames.forEach(pfn, length, (_pfn, pages, _id, maps) => {
        if (maps > 1) shared += pages;
      });
    });
  });
  const swapped = countOfLane(mm.swapped, { index: vpn, count: PAGES_PER_PMD, stride: 1 });
  if (present === 0 || used === 0 || shared > MAX_SHARED || swapped > MAX_SWAPPED) return false;
  return swapped === 0 || used >= PAGES_PER_PMD / 2;
}
