import { prepareAnonVma } from './anon-vma.ts';
import { allocateFolios, setMlocked } from './folios.ts';
import { accessHugetlb } from './hugetlb-fault.ts';
import { markDirty } from './folio-flags.ts';
import { mayHostAccess } from './gmem-access.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import { type FillFailure, fillCache } from './page-cache.ts';
import { forEachKind, mapFrames, zapRange } from './rmap.ts';
import { forEachLevel, splitHugeEntry } from './huge-maps.ts';
import { isShmemHuge } from './shmem-huge.ts';
import { aroundRange, faultedRange, touchFolios } from './whole-folios.ts';
import { faultHugeAnonymous, mapHugeCached } from './thp.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import { allocateAccounted } from './accounted-pages.ts';
import type { PfnVisitor } from './pfn-map.ts';
import type { RangeSet } from './range-set.ts';
import type { Task } from './task.ts';
import { touchMapped } from './lru.ts';
import { chunkOf } from './memory-pressure.ts';
import { swapInAnonymous } from './swap-in.ts';
import { indexOf, type Vma } from './vma.ts';

/** How an access ended: fine, a signal for the process, or no memory. */
export type AccessResult = null | 'SIGSEGV' | 'SIGBUS' | Exclude<FillFailure, null | 'ENOSPC'>;

/** Pages that a read fault maps around itself when they are in the page cache (fault_around_bytes, 64 KiB). */
const FAULT_AROUND = 16;

/**
 * User access to a range of pages: faults in whatever is not mapped (mm/memory.c:handle_mm_fault), in address order. `isPin`: the kernel itself
 * looks pages up (mm/gup.c:get_user_pages), which leaves those clean that are mapped already and may be written.
 */
export function accessRange(
  kernel: Kernel,
  task: Task,
  vpn: number,
  count: number,
  isWrite: boolean,
  isPin: boolean = false,
): AccessResult {
  const mm = task.process.mm;
  if (!mm) return 'SIGSEGV';
  const end = vpn + count;
  let at = vpn;
  for (const vma of mm.overlapping(vpn, end)) {
    if (vma.start > at) return 'SIGSEGV';
    if (vma.isShadow || !vma.prot.startsWith('r') || (isWrite && vma.prot[1] !== 'w')) return 'SIGSEGV';
    const to = Math.min(end, vma.end);
    const failed = accessVma(kernel, task, mm, vma, at, to - at, isWrite, isPin);
    if (failed) return failed;
    at = to;
  }
  return at < end ? 'SIGSEGV' : null;
}

function accessVma(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
  isWrite: boolean,
  isPin: boolean,
): AccessResult {
  if (vma.hugetlb) return accessHugetlb(kernel, task, mm, vma, vpn, count, isWrite);
  kernel.event('pgfault', count);
  if (vma.file?.kind === 'gmem' && !mayHostAccess(vma.file, indexOf(vma, vpn), count)) return 'SIGBUS';
  if (vma.file && indexOf(vma, vpn + count - 1) >= vma.file.sizePages) return 'SIGBUS';
  if (isWrite && !vma.shared) splitSharedHuge(kernel, mm, vpn, count);
  forgetPages(mm, mm.oldPages, vpn, count);
  if (isWrite) forgetPages(mm, mm.cleanedPages, vpn, count);
  if (kernel.hasAgedFolios) touchMapped(kernel, mm, vpn, count);
  if (mm.swapped.size > 0) {
    const failed = swapInAnonymous(kernel, task, mm, vma, vpn, count, isWrite);
    if (failed) return failed;
  }
  const gaps: { vpn: number; count: number }[] = [];
  mm.pt.forEachGap(vpn, count, (at, n) => gaps.push({ vpn: at, count: n }));
  if (isWrite && !vma.shared) {
    const failed = copyOnWrite(kernel, task, mm, vma, vpn, count);
    if (failed) return failed;
  }
  for (const gap of gaps) {
    const failed = faultGap(kernel, task, mm, vma, gap.vpn, gap.count, isWrite);
    if (failed) return failed;
  }
  // Anonymous pages come dirty, except from swap, and stay so unless they are given up.
  if (isWrite && (vma.shared || kernel.swap.totalPages > 0 || kernel.hasAgedFolios)) {
    const dirty: PfnVisitor = (_, n, period, lanes) =>
      forEachLane(n, period, lanes, (pfn, length) => markDirty(kernel, pfn, length));
    if (isPin) for (const gap of gaps) mm.pt.forEach(gap.vpn, gap.count, dirty);
    else mm.pt.forEach(vpn, count, dirty);
  }
  if (vma.isLocked) {
    mm.pt.forEach(vpn, count, (_, n, period, lanes) => {
      forEachLane(n, period, lanes, (pfn, length) => setMlocked(kernel, pfn, length, true, true));
    });
  }
  return null;
}

function faultGap(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
  isWrite: boolean,
): AccessResult {
  if (!vma.file) return faultAnonymous(kernel, task, mm, vma, vpn, count, isWrite);
  const mayBeHuge =
    isShmemHuge(kernel, vma.file) || (kernel.hugeFolios.size > 0 && vma.file.kind === 'shmem');
  if (!mayBeHuge) addTables(kernel, task, mm, vpn, count);
  const index = indexOf(vma, vpn);
  const filled = fillCache(kernel, task, vma.file, index, count, isWrite && vma.shared, vma);
  // mm/shmem.c:shmem_fault: only lack of memory is waited for.
  const failed = filled === 'ENOSPC' ? 'SIGBUS' : filled;
  const isCopied = !failed && isWrite && !vma.shared;
  if (mayBeHuge) {
    if (!isCopied) mapHugeCached(kernel, task, mm, vma, vpn, count);
    mm.pt.forEachGap(vpn, count, (at, n) => addTables(kernel, task, mm, at, n));
  }
  const faulted =
    vma.file.kind === 'shmem' && !isCopied ? faultedRange(kernel, mm, vma, vpn, count, isWrite) : null;
  touchFolios(kernel, vma.file, index, count);
  if (isCopied) return mapAnonymous(kernel, task, mm, vma, vpn, count);
  mapCached(kernel, mm, vma, faulted?.vpn ?? vpn, faulted?.count ?? count);
  if (!failed && !isWrite && vma.file.kind !== 'gmem') faultAround(kernel, mm, vma, vpn, count);
  return failed;
}

/** do_anonymous_page, after do_huge_pmd_anonymous_page has had its turn. Reads map the zero page. */
function faultAnonymous(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
  isWrite: boolean,
): AccessResult {
  const end = vpn + count;
  let failed: AccessResult = null;
  for (let from = vpn; from < end && !failed;) {
    const to = faultHugeAnonymous(kernel, task, mm, vma, from, end - from, isWrite);
    mm.pt.forEachGap(from, to - from, (at, n) => {
      if (failed) return;
      addTables(kernel, task, mm, at, n);
      if (!isWrite) {
        mm.zeroPages.add(at, n);
        return;
      }
      if (mm.zeroBlocks.size > 0) {
        const block = Math.floor(at / PAGES_PER_PMD);
        mm.zeroBlocks.remove(block, Math.ceil((at + n) / PAGES_PER_PMD) - block);
      }
      failed = mapAnonymous(kernel, task, mm, vma, at, n);
    });
    from = to;
  }
  return failed;
}

function addTables(kernel: Kernel, task: Task, mm: Mm, vpn: number, count: number): void {
  allocateAccounted(kernel, task, mm.tablePages, 'pagetables', mm.tables.add(vpn, count));
}

/** Takes pages out of a set that says something of their entries; a huge entry is one for its whole block. */
function forgetPages(mm: Mm, pages: RangeSet, vpn: number, count: number): void {
  if (pages.size === 0) return;
  forEachLevel(mm, vpn, count, (at, n, isHuge) => {
    const size = isHuge ? PAGES_PER_PMD : 1;
    const from = Math.floor(at / size) * size;
    pages.remove(from, Math.ceil((at + n) / size) * size - from);
  });
}

/**
 * Before a write to private memory: huge entries of page cache go, and those of anonymous folios that others map, too, are split, so that
 * base pages are copied (mm/huge_memory.c:do_huge_pmd_wp_page).
 */
function splitSharedHuge(kernel: Kernel, mm: Mm, vpn: number, count: number): void {
  const blocks: number[] = [];
  forEachLevel(mm, vpn, count, (at, n, isHuge) => {
    if (!isHuge) return;
    for (let block = Math.floor(at / PAGES_PER_PMD); block * PAGES_PER_PMD < at + n; block++) {
      const pfn = mm.pt.get(block * PAGES_PER_PMD);
      let isShared = kernel.classes.get(kernel.frames.classOf(pfn)).kind !== 'anon';
      kernel.frames.forEach(pfn, PAGES_PER_PMD, (_pfn, _count, _id, maps) => {
        if (maps > 1) isShared = true;
      });
      if (isShared) blocks.push(block);
    }
  });
  for (const block of blocks) splitHugeEntry(kernel, mm, block);
}

/** Maps the cached pages of a range of a file mapping that are not mapped yet. */
function mapCached(kernel: Kernel, mm: Mm, vma: Vma, vpn: number, count: number): void {
  const file = vma.file!;
  mm.pt.forEachGap(vpn, count, (at, n) => {
    file.cache.forEach(indexOf(vma, at), n, (index, m, period, lanes) => {
      mapFrames(kernel, mm, vma.start + index - vma.pgoff, m, period, lanes);
    });
  });
}

/** mm/memory.c:do_fault_around: what is up to date in the aligned windows of the first and last page, within VMA and page table. */
function faultAround(kernel: Kernel, mm: Mm, vma: Vma, vpn: number, count: number): void {
  const { from, to } = aroundRange(
    kernel,
    vma,
    Math.max(vma.start, Math.floor(vpn / FAULT_AROUND) * FAULT_AROUND),
    Math.min(vma.end, Math.ceil((vpn + count) / FAULT_AROUND) * FAULT_AROUND),
  );
  const shift = vma.start - vma.pgoff;
  for (const [at, n] of [
    [from, vpn - from],
    [vpn + count, to - vpn - count],
  ] as const) {
    if (n > 0)
      vma.file!.untouched.forEachGap(at - shift, n, (index, m) =>
        mapCached(kernel, mm, vma, index + shift, m),
      );
  }
}

/**
 * New anonymous pages. Interleaving counts by address, for private file mappings by inode number and page index
 * (mm/mempolicy.c:get_vma_policy with the file's get_policy).
 */
function mapAnonymous(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
): AccessResult {
  prepareAnonVma(vma);
  const isShmem = vma.file?.kind === 'shmem';
  let at = vpn;
  const end = vpn + count;
  while (at < end) {
    const shared = isShmem ? vma.file!.policy.lookup(indexOf(vma, at)) : null;
    const n = shared ? Math.min(end - at, shared.end - indexOf(vma, at)) : end - at;
    const answer = allocateFolios(kernel, task, {
      kind: 'anon',
      inode: null,
      policy: (isShmem ? shared!.policy : vma.policy) ?? task.policy,
      ilx: (isShmem ? vma.file!.ino : 0) + indexOf(vma, at),
      count: chunkOf(task.process.memcg, n),
      dirty: true,
    });
    for (const run of answer.runs) {
      mapFrames(kernel, mm, at, run.count, run.period, run.lanes);
      at += run.count;
    }
    if (answer.failed) return answer.failed;
  }
  return null;
}

/** mm/memory.c:do_wp_page over a range: page cache and anonymous pages that others map, too, get private copies. */
function copyOnWrite(kernel: Kernel, task: Task, mm: Mm, vma: Vma, vpn: number, count: number): AccessResult {
  const copies: { vpn: number; count: number }[] = [];
  forEachKind(kernel, mm, vpn, count, (at, n, isAnon) => {
    if (!isAnon) {
      copies.push({ vpn: at, count: n });
      return;
    }
    mm.pt.forEach(at, n, (start, m, period, lanes) => {
      let sharedPages = 0;
      forEachLane(m, period, lanes, (pfn, length) => {
        kernel.frames.forEach(pfn, length, (_s, k, _id, maps) => {
          if (maps > 1) sharedPages += k;
        });
      });
      if (sharedPages === m) copies.push({ vpn: start, count: m });
      else if (sharedPages > 0) {
        for (let k = 0; k < m; k++) {
          const pfn = lanes[k % period]! + Math.floor(k / period);
          if (kernel.frames.mapCountOf(pfn) > 1) copies.push({ vpn: start + k, count: 1 });
        }
      }
    });
  });
  copies.push(...unusableParts(kernel, mm, vpn, count));
  forgetPages(mm, mm.protectedPages, vpn, count);
  for (const copy of copies) {
    // The page that is left behind is no longer of this locked mapping (mm/rmap.c:folio_remove_rmap_pte).
    if (vma.isLocked) {
      mm.pt.forEach(copy.vpn, copy.count, (_, n, period, lanes) => {
        forEachLane(n, period, lanes, (pfn, length) => setMlocked(kernel, pfn, length, false));
      });
    }
    zapRange(kernel, mm, copy.vpn, copy.count);
    const failed = mapAnonymous(kernel, task, mm, vma, copy.vpn, copy.count);
    if (failed) return failed;
  }
  return null;
}

/** Pages of huge folios that a fork has shared and that are nobody else's any more, where the kernel copies them all the same. */
function unusableParts(kernel: Kernel, mm: Mm, vpn: number, count: number): { vpn: number; count: number }[] {
  const out: { vpn: number; count: number }[] = [];
  if (kernel.profile.reusesHugeFolios || mm.protectedPages.size === 0) return out;
  const addParts: PfnVisitor = (at, n, period, lanes) => {
    if (period > 1) return;
    kernel.frames.forEach(lanes[0]!, n, (pfn, pages, id, maps) => {
      if (maps > 1 || kernel.classes.get(id).order === 0) return;
      out.push({ vpn: at + pfn - lanes[0]!, count: pages });
    });
  };
  mm.protectedPages.forEachRun(vpn, count, (from, length) => {
    forEachLevel(mm, from, length, (at, n, isHuge) => {
      if (!isHuge) mm.pt.forEach(at, n, addParts);
    });
  });
  return out;
}
