import { PAGES_PER_PMD } from '../units/pages.ts';
import { allocateHugetlb, fillHugetlb, membership, pagesOf } from './hugetlb-file.ts';
import { mapHugetlb, removeEntries, unmapHugetlb } from './hugetlb-maps.ts';
import { returnToPool } from './hugetlb-pool.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import type { Task } from './task.ts';
import { indexOf, type Vma } from './vma.ts';
import { RangeSet } from './range-set.ts';

/** How an access to huge pages ended. */
type HugetlbAccess = 'SIGBUS' | null;

const EMPTY: RangeSet = new RangeSet();

/** User access to a range of a VMA of huge pages, in address order (mm/hugetlb.c:hugetlb_fault). */
export function accessHugetlb(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
  isWrite: boolean,
): HugetlbAccess {
  const from = Math.floor(vpn / PAGES_PER_PMD) * PAGES_PER_PMD;
  const to = Math.ceil((vpn + count) / PAGES_PER_PMD) * PAGES_PER_PMD;
  const size = Math.floor(vma.file!.sizePages / PAGES_PER_PMD) * PAGES_PER_PMD;
  const end = Math.min(to, vma.start + size - vma.pgoff);
  if (from < end) {
    const blocks = { index: from / PAGES_PER_PMD, count: (end - from) / PAGES_PER_PMD };
    for (const part of membership(mm.hugeBlocks, blocks.index, blocks.count)) {
      const at = part.index * PAGES_PER_PMD;
      const pages = part.count;
      let failed: HugetlbAccess = null;
      if (!part.isMember) failed = faultAbsent(kernel, task, mm, vma, at, pages, isWrite);
      else if (isWrite && !vma.shared) failed = copyOnWrite(kernel, task, mm, vma, at, pages);
      if (failed) return failed;
    }
  }
  return end < to ? 'SIGBUS' : null;
}

/** hugetlb_no_page: shared pages come from the file; private ones are made, unless the file has one that is only read. */
function faultAbsent(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  pages: number,
  isWrite: boolean,
): HugetlbAccess {
  if (vma.hugetlb!.isRobbed) {
    kernel.log.push(`PID ${mm.pid} killed due to inadequate hugepage pool`);
    return 'SIGBUS';
  }
  const file = vma.file!;
  kernel.event('pgfault', pages);
  if (vma.shared) {
    const policy = vma.policy ?? task.policy;
    const failed = fillHugetlb(kernel, task, file, indexOf(vma, vpn) / PAGES_PER_PMD, pages, policy);
    mapCached(kernel, task, mm, vma, vpn, pages);
    return failed ? 'SIGBUS' : null;
  }
  const index = indexOf(vma, vpn);
  const cached = new RangeSet();
  file.cache.forEach(index, pages * PAGES_PER_PMD, (at, n) =>
    cached.add(at / PAGES_PER_PMD, n / PAGES_PER_PMD),
  );
  for (const part of membership(cached, index / PAGES_PER_PMD, pages)) {
    const at = vma.start + part.index * PAGES_PER_PMD - vma.pgoff;
    if (part.isMember && !isWrite) mapCached(kernel, task, mm, vma, at, part.count);
    else if (makePrivate(kernel, task, mm, vma, at, part.count, isWrite) < part.count) return 'SIGBUS';
  }
  return null;
}

/** Maps pages of the file's cache; nothing is mapped there. */
function mapCached(kernel: Kernel, task: Task, mm: Mm, vma: Vma, vpn: number, pages: number): void {
  vma.file!.cache.forEach(indexOf(vma, vpn), pages * PAGES_PER_PMD, (index, n, _period, lanes) => {
    const at = vma.start + index - vma.pgoff;
    mapHugetlb(kernel, task, mm, at, [{ pfn: lanes[0]!, count: n / PAGES_PER_PMD }]);
  });
}

/** New private pages where the file's pages are mapped or nothing is. Returns how many could be had. */
function makePrivate(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  pages: number,
  dirty: boolean,
): number {
  const { consumed } = vma.hugetlb!;
  const index = indexOf(vma, vpn) / PAGES_PER_PMD;
  let done = 0;
  for (const part of membership(consumed ?? EMPTY, index, pages)) {
    const runs = allocateHugetlb(kernel, task, {
      policy: vma.policy ?? task.policy,
      ilx: part.index,
      count: part.count,
      isReserved: consumed !== null && !part.isMember,
      inode: null,
      dirty,
    });
    const got = pagesOf(runs);
    const at = vpn + done * PAGES_PER_PMD;
    consumed?.add(part.index, got);
    replace(kernel, task, mm, at, runs, got);
    done += got;
    if (got < part.count) break;
  }
  return done;
}

/** Maps new private pages in place of what is mapped. */
function replace(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vpn: number,
  runs: readonly { pfn: number; count: number }[],
  pages: number,
): void {
  if (pages === 0) return;
  if (mm.hugeBlocks.countIn(vpn / PAGES_PER_PMD, pages) > 0) {
    for (const notify of kernel.mmuNotifiers) notify(mm, vpn, pages * PAGES_PER_PMD);
    for (const { pfn, frames, isDead } of removeEntries(kernel, mm, vpn, pages * PAGES_PER_PMD)) {
      if (isDead) returnToPool(kernel, pfn, frames);
    }
  }
  mapHugetlb(kernel, task, mm, vpn, runs);
}

/** Stretches of mapped pages with the same fate at a write. */
interface Mapped {
  vpn: number;
  pages: number;
  isFile: boolean;
  isShared: boolean;
}

/**
 * hugetlb_wp over mapped pages of a private mapping: the file's pages and those that forked processes map, too, get copies. The process
 * that made the mapping does not fail where the pool has no page for its copy: it takes the page from the others.
 */
function copyOnWrite(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  pages: number,
): HugetlbAccess {
  const stretches: Mapped[] = [];
  mm.pt.forEach(vpn, pages * PAGES_PER_PMD, (at, n, _period, lanes) => {
    const pfn = lanes[0]!;
    kernel.frames.forEach(pfn, n, (start, frames, id, maps) => {
      const isFile = kernel.classes.get(id).inode !== null;
      const first = at + start - pfn;
      stretches.push({ vpn: first, pages: frames / PAGES_PER_PMD, isFile, isShared: isFile || maps > 1 });
    });
  });
  for (const stretch of stretches) {
    let { vpn: at, pages: left } = stretch;
    if (!stretch.isShared) {
      dirtyPrivate(kernel, mm, at, left);
      continue;
    }
    kernel.event('pgfault', left);
    while (left > 0) {
      const got = stretch.isFile
        ? makePrivate(kernel, task, mm, vma, at, left, true)
        : copyShared(kernel, task, mm, vma, at, left);
      at += got * PAGES_PER_PMD;
      left -= got;
      if (left === 0) break;
      if (stretch.isFile || vma.hugetlb!.consumed === null) return 'SIGBUS';
      robOthers(kernel, mm, vma, at);
      dirtyPrivate(kernel, mm, at, 1);
      at += PAGES_PER_PMD;
      left--;
    }
  }
  return null;
}

/** Copies of private pages that others map, too, come from what nobody was promised. */
function copyShared(kernel: Kernel, task: Task, mm: Mm, vma: Vma, vpn: number, pages: number): number {
  const runs = allocateHugetlb(kernel, task, {
    policy: vma.policy ?? task.policy,
    ilx: indexOf(vma, vpn) / PAGES_PER_PMD,
    count: pages,
    isReserved: false,
    inode: null,
    dirty: true,
  });
  const got = pagesOf(runs);
  replace(kernel, task, mm, vpn, runs, got);
  return got;
}

function dirtyPrivate(kernel: Kernel, mm: Mm, vpn: number, pages: number): void {
  mm.pt.forEach(vpn, pages * PAGES_PER_PMD, (_at, n, _period, lanes) =>
    kernel.frames.reclass(lanes[0]!, n, (id) => kernel.classes.dirtied(id)),
  );
}

/** unmap_ref_private: forked processes lose the page, and their next fault in the mapping is the end of them. */
function robOthers(kernel: Kernel, mm: Mm, vma: Vma, vpn: number): void {
  const index = indexOf(vma, vpn);
  const pfn = mm.pt.get(vpn);
  for (const { mm: other, vma: theirs } of Array.from(vma.file!.mappings)) {
    if (theirs === vma || theirs.shared || theirs.hugetlb!.consumed) continue;
    const at = theirs.start + index - theirs.pgoff;
    if (at < theirs.start || at >= theirs.end || other.pt.get(at) !== pfn) continue;
    unmapHugetlb(kernel, other, theirs, at, PAGES_PER_PMD);
    theirs.hugetlb!.isRobbed = true;
  }
}
