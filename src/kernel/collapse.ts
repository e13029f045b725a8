import type { Errno } from '../units/errno.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import { collapseCached } from './collapse-file.ts';
import { type CollapseResult, heaviestNodes, placeCollapsed } from './collapse-target.ts';
import { COLLAPSED } from './folio-class.ts';
import { markAnonymous } from './folio-flags.ts';
import { freeFolios, setMlocked } from './folios.ts';
import { mapHuge } from './huge-maps.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { zapRange } from './rmap.ts';
import { mustBeRead, swapInAnonymous } from './swap-in.ts';
import type { Task } from './task.ts';
import { isSpecial, type Vma } from './vma.ts';

/**
 * MADV_COLLAPSE (mm/khugepaged.c:madvise_collapse): every whole block of the range becomes a huge page, holes included, whatever the settings
 * say but for MADV_NOHUGEPAGE and shmem_enabled=deny. Goes on past a block that is not fit for it, and stops at one that failed; says what
 * the last of these was.
 */
export function madviseCollapse(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
): Errno | 0 {
  if (!isCollapsible(kernel, vma)) return 'EINVAL';
  const first = Math.ceil(vpn / PAGES_PER_PMD);
  const last = Math.floor((vpn + count) / PAGES_PER_PMD);
  if (first > last && !kernel.profile.collapsesLessThanOne) return 'EINVAL';
  let errno: Errno | 0 = 0;
  for (let block = first; block < last; block++) {
    const collapse = vma.file ? collapseCached : collapseAnonymous;
    const result = collapse(kernel, task, mm, vma, block);
    if (result === 'huge') continue;
    errno = result === 'unfit' || result === 'failed' ? 'EINVAL' : result;
    if (result !== 'unfit' && result !== 'EAGAIN') break;
  }
  return errno;
}

/** mm/huge_memory.c:__thp_vma_allowable_orders without TVA_ENFORCE_SYSFS. Of files only those of tmpfs. */
export function isCollapsible(kernel: Kernel, vma: Vma): boolean {
  if (vma.hugetlb || isSpecial(vma) || vma.extraFlags.includes('nh')) return false;
  if (Math.floor(vma.end / PAGES_PER_PMD) * PAGES_PER_PMD - PAGES_PER_PMD < vma.start) return false;
  if (!vma.file) return vma.anonVma !== null;
  if (vma.file.kind !== 'shmem' || kernel.thp.shmem === 'deny') return false;
  return (vma.start - vma.pgoff) % PAGES_PER_PMD === 0;
}

/**
 * One block of a mapping, by its number: that of its first page divided by 512 (mm/khugepaged.c:hpage_collapse_scan_pmd, collapse_huge_page).
 * Pages that others map, too, are copied like all the rest. Nothing waits for pages that must be read from swap.
 */
export function collapseAnonymous(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  block: number,
): CollapseResult {
  const vpn = block * PAGES_PER_PMD;
  if (mm.hugeBlocks.has(block) || mm.zeroBlocks.has(block)) return 'huge';
  if (!mm.tables.hasLeafOf(vpn)) return 'unfit';
  if (!kernel.profile.collapsesReadOnly && !hasWritable(mm, vpn)) return 'unfit';
  const nids = heaviestNodes(kernel, (visit) => mm.pt.forEach(vpn, PAGES_PER_PMD, visit));
  const target = placeCollapsed(kernel, task, 'anon', null, nids);
  if (typeof target === 'string') return target;
  const isAway = mustBeRead(kernel, mm.swapped, vpn, PAGES_PER_PMD);
  if (isAway || swapInAnonymous(kernel, task, mm, vma, vpn, PAGES_PER_PMD, false)) {
    freeFolios(kernel, target.pfn, PAGES_PER_PMD);
    return isAway ? 'EAGAIN' : 'failed';
  }
  zapRange(kernel, mm, vpn, PAGES_PER_PMD);
  mapHuge(kernel, mm, vpn, target.pfn, 1);
  markAnonymous(kernel, target.pfn, PAGES_PER_PMD, COLLAPSED);
  if (vma.isLocked) setMlocked(kernel, target.pfn, PAGES_PER_PMD, true);
  return 'huge';
}

/** Whether a present page of a block may be written without a fault. */
function hasWritable(mm: Mm, vpn: number): boolean {
  let present = 0;
  let writable = 0;
  mm.pt.forEach(vpn, PAGES_PER_PMD, (at, n) => {
    present += n;
    writable += n - mm.protectedPages.countIn(at, n);
  });
  return present > 0 && writable > 0;
}
