import { setMlocked } from './folios.ts';
import { dropHuge } from './huge-maps.ts';
import type { Kernel } from './kernel.ts';
import { accountMaps, unmapFrames } from './map-counts.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import { countOfLane, forEachFrameOfLane, type PfnVisitor } from './pfn-map.ts';
import { zapSwapped } from './swap-slots.ts';
import type { Lane } from '../units/lanes.ts';
import { PageLane } from '../units/page-runs.ts';
import { indexOf, isPfnmap, type Vma } from './vma.ts';

/** Installs page-table entries for frames in page order: RSS, map counts, node and memcg statistics of mapping. */
export function mapFrames(
  kernel: Kernel,
  mm: Mm,
  vpn: number,
  count: number,
  period: number,
  lanes: readonly number[],
): void {
  mm.pt.setRun(vpn, count, period, lanes);
  forEachLane(count, period, lanes, (pfn, n) => accountMaps(kernel, mm, pfn, n));
}

/** Installs entries of a shadow VMA for the cached pages of a range of its file that have none. */
export function mapShadowRange(kernel: Kernel, mm: Mm, vma: Vma, index: number, count: number): void {
  if (isPfnmap(vma)) return;
  const pages = vma.shadowPages!;
  const { cache } = vma.file!;
  pages.forEachGap(index, count, (at, n) => {
    cache.forEach(at, n, (start, m, period, lanes) => {
      pages.add(start, m);
      kernel.shadowWork.installed += m;
      forEachLane(m, period, lanes, (pfn, length) => mapIn(kernel, mm, vma, pfn, length));
    });
  });
}

/** mapShadowRange for a lane of pages. */
export function mapShadowLane(kernel: Kernel, mm: Mm, vma: Vma, lane: Lane): void {
  if (lane.stride === 1) return mapShadowRange(kernel, mm, vma, lane.index, lane.count);
  if (isPfnmap(vma)) return;
  const pages = vma.shadowPages!;
  const { cache } = vma.file!;
  for (const part of pages.among(lane, false)) {
    if (countOfLane(cache, part) < part.count) {
      new PageLane(part).forEach((at, n) => mapShadowRange(kernel, mm, vma, at, n));
      continue;
    }
    pages.addLane(part);
    kernel.shadowWork.installed += part.count;
    forEachFrameOfLane(cache, part, (pfn, n) => mapIn(kernel, mm, vma, pfn, n));
  }
}

/** zapRange for a lane of pages of a shadow VMA, which lie in it. */
export function zapShadowLane(kernel: Kernel, mm: Mm, vma: Vma, lane: Lane): void {
  const vpn = vma.start + lane.index - vma.pgoff;
  if (lane.stride === 1) return zapRange(kernel, mm, vpn, lane.count);
  mm.noteRss();
  if (!isPfnmap(vma)) {
    for (const part of vma.mirrors ? [lane] : vma.shadowPages!.among(lane, true)) {
      forEachFrameOfLane(vma.file!.cache, part, (pfn, n) => {
        kernel.shadowWork.removed += n;
        unmapFrames(kernel, mm, n, 1, [pfn]);
      });
    }
  }
  vma.shadowPages!.removeLane(lane);
  if (mm.pt.size > 0) for (const notify of kernel.mmuNotifiers) notify(mm, vpn, lane.count, lane.stride);
}

/** Counts an entry of a shadow VMA for consecutive frames, which are locked where the VMA is (mm/rmap.c:__folio_add_file_rmap). */
export function mapIn(kernel: Kernel, mm: Mm, vma: Vma, pfn: number, count: number): void {
  accountMaps(kernel, mm, pfn, count);
  if (vma.isLocked) setMlocked(kernel, pfn, count, true, true);
}

/** Visits what page-table entries of a VMA map in a range of its pages: page address, then frames as PfnMap gives them. */
export function forEachMapping(mm: Mm, vma: Vma, vpn: number, count: number, visit: PfnVisitor): void {
  if (!vma.shadowPages) {
    mm.pt.forEach(vpn, count, visit);
    return;
  }
  if (isPfnmap(vma)) return;
  const shift = vma.start - vma.pgoff;
  if (vma.mirrors) {
    vma.file!.cache.forEach(vpn - shift, count, (index, n, period, lanes) =>
      visit(index + shift, n, period, lanes),
    );
    return;
  }
  vma.shadowPages.forEachRun(vpn - shift, count, (at, n) => {
    vma.file!.cache.forEach(at, n, (index, m, period, lanes) => visit(index + shift, m, period, lanes));
  });
}

/**
 * Removes the page-table entries of a range (mm/memory.c:zap_pte_range). `only` keeps entries of the other kind. Anonymous folios
 * that nothing maps any more are freed.
 */
export function zapRange(
  kernel: Kernel,
  mm: Mm,
  vpn: number,
  count: number,
  only: 'file' | null = null,
): void {
  mm.noteRss();
  zapShadows(kernel, mm, vpn, count);
  if (only === null && mm.swapped.size > 0) zapSwapped(kernel, mm, vpn, count);
  if (only === null && mm.zeroPages.size > 0) mm.zeroPages.remove(vpn, count);
  if (mm.pt.size === 0 && mm.zeroBlocks.size === 0) return;
  dropHuge(kernel, mm, vpn, count);
  if (mm.protectedPages.size > 0) mm.protectedPages.remove(vpn, count);
  if (mm.oldPages.size > 0) mm.oldPages.remove(vpn, count);
  if (mm.cleanedPages.size > 0) mm.cleanedPages.remove(vpn, count);
  for (const notify of kernel.mmuNotifiers) notify(mm, vpn, count);
  if (only === null) {
    mm.pt.clear(vpn, count, (_, n, period, lanes) => unmapFrames(kernel, mm, n, period, lanes));
    return;
  }
  for (const part of filePages(kernel, mm, vpn, count)) {
    mm.pt.clear(part.vpn, part.count, (_, n, period, lanes) => unmapFrames(kernel, mm, n, period, lanes));
  }
}

function zapShadows(kernel: Kernel, mm: Mm, vpn: number, count: number): void {
  for (const vma of mm.overlapping(vpn, vpn + count)) {
    const pages = vma.shadowPages;
    if (!pages || (pages.size === 0 && !vma.mirrors)) continue;
    const from = Math.max(vpn, vma.start);
    const n = Math.min(vpn + count, vma.end) - from;
    forEachMapping(mm, vma, from, n, (_, m, period, lanes) => {
      kernel.shadowWork.removed += m;
      if (vma.isLocked)
        forEachLane(m, period, lanes, (pfn, length) => setMlocked(kernel, pfn, length, false));
      unmapFrames(kernel, mm, m, period, lanes);
    });
    pages.remove(indexOf(vma, from), n);
  }
}

/** Stretches of a range that map page cache, not anonymous copies. */
function filePages(kernel: Kernel, mm: Mm, vpn: number, count: number): { vpn: number; count: number }[] {
  const out: { vpn: number; count: number }[] = [];
  forEachKind(kernel, mm, vpn, count, (at, n, isAnon) => {
    if (!isAnon) out.push({ vpn: at, count: n });
  });
  return out;
}

/** Visits present pages of a range as stretches that are all anonymous or all page cache, ascending. */
export function forEachKind(
  kernel: Kernel,
  mm: Mm,
  vpn: number,
  count: number,
  visit: (vpn: number, count: number, isAnon: boolean) => void,
): void {
  mm.pt.forEach(vpn, count, (at, n, period, lanes) => {
    let anon = 0;
    forEachLane(n, period, lanes, (pfn, length) => {
      kernel.frames.forEach(pfn, length, (_start, m, id) => {
        if (kernel.classes.get(id).kind === 'anon') anon += m;
      });
    });
    if (anon === 0 || anon === n) {
      visit(at, n, anon > 0);
      return;
    }
    // A strided run that is really mixed: page by page.
    for (let k = 0; k < n; k++) {
      const pfn = lanes[k % period]! + Math.floor(k / period);
      visit(at + k, 1, kernel.classes.get(kernel.frames.classOf(pfn)).kind === 'anon');
    }
  });
}
