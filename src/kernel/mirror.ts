import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { forEachLane, type FrameRun } from './page-allocator.ts';
import { LaneSet } from './lane-set.ts';
import { forEachMapping, mapIn, mapShadowRange } from './rmap.ts';
import { allocateAccounted } from './accounted-pages.ts';
import { indexOf, isCopiedWhole, isPfnmap, type Vma } from './vma.ts';

/**
 * Shadow VMAs whose entries follow the page cache: a page that enters the file is mapped there at once, and one that leaves is unmapped
 * first, as for every mapping. Entries need no book of their own, so a page costs only what it counts.
 */
export function mirrorRange(kernel: Kernel, inode: Inode, index: number, count: number): void {
  for (const { mm, vma } of inode.mappings) {
    if (!vma.mirrors) continue;
    const from = Math.max(index, vma.pgoff);
    const n = Math.min(index + count, indexOf(vma, vma.end)) - from;
    if (n > 0) mapRange(kernel, mm, vma, from, n);
  }
}

/** mirrorRange for single pages in any order; `runs` are their frames. */
export function mirrorPages(
  kernel: Kernel,
  inode: Inode,
  indices: Float64Array,
  runs: readonly FrameRun[],
): void {
  for (const { mm, vma } of inode.mappings) {
    if (!vma.mirrors) continue;
    const end = indexOf(vma, vma.end);
    const shift = vma.start - vma.pgoff;
    let tables = 0;
    let inside = 0;
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      if (index < vma.pgoff || index >= end) continue;
      tables += mm.tables.add(index + shift, 1);
      inside++;
    }
    addTables(kernel, mm, tables);
    kernel.shadowWork.installed += inside;
    if (isPfnmap(vma)) continue;
    if (inside === indices.length) {
      for (const run of runs) {
        forEachLane(run.count, run.period, run.lanes, (pfn, n) => mapIn(kernel, mm, vma, pfn, n));
      }
      continue;
    }
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      if (index >= vma.pgoff && index < end) mapIn(kernel, mm, vma, inode.cache.get(index), 1);
    }
  }
}

/** Maps what is there already when a mirroring VMA is made. */
export function startMirroring(kernel: Kernel, mm: Mm, vma: Vma): void {
  mirrorPart(kernel, mm, vma, vma.pgoff, vma.end - vma.start);
}

/** dup_mmap of a shadow VMA: the child's copy has the parent's entries where fork copies such, and gets no others. */
export function copyShadow(kernel: Kernel, from: Mm, to: Mm, vma: Vma): void {
  const copy: Vma = { ...vma, isLocked: false, shadowPages: new LaneSet(), mirrors: false, isCopy: true };
  to.insert(copy);
  if (!isCopiedWhole(vma)) return;
  const runs: { vpn: number; n: number }[] = [];
  const note = (vpn: number, n: number): number => runs.push({ vpn, n });
  // Entries that name frames are no mappings, and are copied all the same.
  if (isPfnmap(vma)) copyTables(from, vma, note);
  else forEachMapping(from, vma, vma.start, vma.end - vma.start, note);
  for (const { vpn, n } of runs) {
    addTables(kernel, to, to.tables.add(vpn, n));
    mapShadowRange(kernel, to, copy, indexOf(copy, vpn), n);
  }
}

/** Stretches of a VMA's range that entries may stand in: whatever of its file is there. */
function copyTables(from: Mm, vma: Vma, visit: (vpn: number, n: number) => void): void {
  if (from.tables.size === 0) return;
  vma.file!.cache.forEach(vma.pgoff, vma.end - vma.start, (index, n) =>
    visit(vma.start + index - vma.pgoff, n),
  );
}

/** From here on the entries of a VMA are what they are now, and go and come one by one. */
export function stopMirroring(vma: Vma): void {
  vma.file!.cache.forEach(vma.pgoff, vma.end - vma.start, (index, n) => vma.shadowPages!.add(index, n));
  vma.mirrors = false;
}

/** Maps what is there in a part of a mirroring VMA that is new. */
export function mirrorPart(kernel: Kernel, mm: Mm, vma: Vma, index: number, count: number): void {
  vma.file!.cache.forEach(index, count, (at, n) => mapRange(kernel, mm, vma, at, n));
}

function mapRange(kernel: Kernel, mm: Mm, vma: Vma, index: number, count: number): void {
  const vpn = vma.start + index - vma.pgoff;
  addTables(kernel, mm, mm.tables.add(vpn, count));
  kernel.shadowWork.installed += count;
  forEachMapping(mm, vma, vpn, count, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (pfn, length) => mapIn(kernel, mm, vma, pfn, length));
  });
}

function addTables(kernel: Kernel, mm: Mm, count: number): void {
  const owner = kernel.processes.get(mm.worker);
  if (count > 0 && owner) allocateAccounted(kernel, owner.main, mm.tablePages, 'pagetables', count);
}
