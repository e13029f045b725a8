import type { FolioClass } from './folio-class.ts';
import { accountFolios, freeFolios } from './folios.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { rotateReclaimable } from './lru.ts';
import { accountMapped } from './map-counts.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import { zapRange } from './rmap.ts';
import { splitHuge } from './split-huge.ts';
import { gapsBetween, partOf, type Stretch, stretchesOf, type Walk } from './stretches.ts';
import { addToSwapCache, cachedRuns, dropSwapCache } from './swap-cache.ts';
import { getSlots, takeSlots } from './swap-slots.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/** Pages that left, and how many of them were written. */
export interface SwappedOut {
  pages: number;
  written: number;
}

/**
 * Moves anonymous pages of a range to swap (mm/vmscan.c:shrink_folio_list: add_to_swap, try_to_unmap, pageout, __remove_mapping), as far as
 * there are slots for them. With `keepsFrames` write-back is only started (madvise with MADV_PAGEOUT): frames stay in the swap cache.
 */
export function swapOutAnonymous(
  kernel: Kernel,
  mm: Mm,
  vpn: number,
  count: number,
  keepsFrames: boolean = false,
): SwappedOut {
  const walk: Walk = (visit) => mm.pt.forEach(vpn, count, visit);
  countHuge(kernel, 'anon', walk);
  splitHuge(
    kernel,
    Array.from(kernel.processes.values(), (process) => process.mm),
    walk,
  );
  const done: SwappedOut = { pages: 0, written: 0 };
  for (const stretch of stretchesOf(kernel, walk)) {
    const { folioClass, period } = stretch;
    if (folioClass.kind !== 'anon' || folioClass.mlocked) continue;
    const first = stretch.lanes[0]!;
    const cached = period === 1 ? cachedRuns(kernel, first, stretch.count) : [];
    for (const run of cached) {
      unmapAnonymous(kernel, mm, partOf(stretch, run.pfn - first, run.count), run.slot, keepsFrames);
      done.pages += run.count;
      if (folioClass.dirty) write(kernel, folioClass, done, run.count);
    }
    // Interleaved pages that come as one stretch are in no swap cache.
    const uncached =
      period === 1 ? gapsBetween(first, stretch.count, cached) : [{ pfn: first, count: stretch.count }];
    for (const gap of uncached) {
      let offset = gap.pfn - first;
      for (const { slot, count: n } of takeSlots(kernel, folioClass, gap.count)) {
        unmapAnonymous(kernel, mm, partOf(stretch, offset, n), slot, keepsFrames);
        offset += n;
        done.pages += n;
        write(kernel, folioClass, done, n);
      }
    }
  }
  return done;
}

function write(kernel: Kernel, { memcg }: FolioClass, done: SwappedOut, pages: number): void {
  done.written += pages;
  kernel.event('pswpout', pages);
  memcg.vmEvent('pswpout', pages);
}

/** try_to_unmap of anonymous frames, by everybody who maps them: a forked process has them at the same addresses. */
function unmapAnonymous(
  kernel: Kernel,
  mm: Mm,
  { at, count, period, lanes, folioClass, maps }: Stretch,
  slot: number,
  keepsFrames: boolean,
): void {
  kernel.swap.noteLeft(slot, count, period, lanes);
  const mappers = maps === 1 ? [mm] : mappersOf(kernel, at, lanes[0]!);
  const frames: { pfn: number; count: number }[] = [];
  forEachLane(count, period, lanes, (pfn, n) => frames.push({ pfn, count: n }));
  for (const { pfn, count: n } of frames) {
    dropSwapCache(kernel, pfn, n, true);
    // A reference of our own keeps the frame when its last mapping goes.
    if (keepsFrames) kernel.frames.addMaps(pfn, n, 1, () => undefined);
  }
  for (const mapper of mappers) {
    zapRange(kernel, mapper, at, count);
    mapper.swapped.setRun(at, count, 1, [slot]);
    mapper.rss.swap += count;
    getSlots(kernel, slot, count);
  }
  if (!keepsFrames) return;
  frames.forEach(({ pfn, count: n }, lane) => {
    kernel.frames.addMaps(pfn, n, -1, () => undefined);
    accountMapped(kernel, folioClass, kernel.nidOf(pfn), -n);
    for (let k = 0; k < n; k += period === 1 ? n : 1) {
      addToSwapCache(kernel, pfn + k, slot + lane + k * period, period === 1 ? n : 1);
    }
    rotateReclaimable(kernel, pfn, n);
  });
}

/**
 * Huge folios among what `walk` visits: one that is there as a whole is written as a whole where swap has room for it, else it is split
 * first (mm/vmscan.c:shrink_folio_list), which is counted for anonymous memory.
 */
function countHuge(kernel: Kernel, kind: 'anon' | 'shmem', walk: Walk): void {
  if (kernel.hugeFolios.size === 0) return;
  let room = kernel.profile.swapsHugeFolios ? kernel.swap.freePages : 0;
  for (const { count, lanes, folioClass } of stretchesOf(kernel, walk)) {
    const { order, mlocked, memcg } = folioClass;
    if (order === 0 || mlocked || folioClass.kind !== kind) continue;
    const [first, last] = [lanes[0]! / PAGES_PER_PMD, (lanes[0]! + count) / PAGES_PER_PMD];
    const folios = Math.max(0, Math.floor(last) - Math.ceil(first));
    const whole = Math.min(folios, Math.floor(Math.min(room, memcg.swapRoom()) / PAGES_PER_PMD));
    room -= whole * PAGES_PER_PMD;
    const counts = { thp_swpout: whole, thp_swpout_fallback: kind === 'anon' ? folios - whole : 0 };
    for (const [name, n] of Object.entries(counts)) {
      kernel.event(name, n);
      memcg.vmEvent(name, n);
    }
  }
}

function mappersOf(kernel: Kernel, vpn: number, pfn: number): Mm[] {
  const out: Mm[] = [];
  for (const { mm } of kernel.processes.values()) if (mm && mm.pt.get(vpn) === pfn) out.push(mm);
  return out;
}

/** Moves pages of a tmpfs file to swap (mm/shmem.c:shmem_writepage). With `keepsFrames` their frames stay in the swap cache. */
export function swapOutShmem(
  kernel: Kernel,
  inode: Inode,
  index: number,
  count: number,
  keepsFrames: boolean = false,
): SwappedOut {
  const done: SwappedOut = { pages: 0, written: 0 };
  const walk: Walk = (visit) => inode.cache.forEach(index, count, visit);
  countHuge(kernel, 'shmem', walk);
  splitHuge(
    kernel,
    Array.from(inode.mappings, (link) => link.mm),
    walk,
  );
  for (const stretch of stretchesOf(kernel, walk)) {
    const { folioClass } = stretch;
    if (folioClass.kind !== 'shmem' || folioClass.mlocked) continue;
    let { at } = stretch;
    for (const { slot, count: n } of takeSlots(kernel, folioClass, stretch.count)) {
      unmapFile(kernel, inode, at, n);
      inode.cache.clear(at, n, (from, pages, period, lanes) => {
        kernel.swap.noteLeft(slot + from - at, pages, period, lanes);
        let lane = 0;
        forEachLane(pages, period, lanes, (pfn, length) => {
          if (keepsFrames) becomeCache(kernel, pfn, length, slot + from - at + lane, period);
          else freeFolios(kernel, pfn, length);
          lane++;
        });
      });
      // shmem_writeout clears what was only fallocated.
      if (inode.untouched.size > 0) inode.untouched.remove(at, n);
      inode.swapped.setRun(at, n, 1, [slot]);
      // The file goes on to hold the page: it stays committed.
      if (!inode.reservesWhole) kernel.committed += n;
      getSlots(kernel, slot, n);
      at += n;
      done.pages += n;
      write(kernel, folioClass, done, n);
    }
  }
  return done;
}

/** shmem_delete_from_page_cache: the folio belongs to the swap cache alone. */
function becomeCache(kernel: Kernel, pfn: number, count: number, slot: number, step: number): void {
  const pieces: { start: number; pages: number; folioClass: FolioClass }[] = [];
  kernel.frames.forEach(pfn, count, (start, pages, id) => {
    pieces.push({ start, pages, folioClass: kernel.classes.get(id) });
  });
  for (const { start, pages, folioClass } of pieces) {
    const { memcg, allocator, age } = folioClass;
    const cached = kernel.classes.of('anon', null, memcg, allocator, true, false, 0, age);
    accountFolios(kernel, folioClass, kernel.nidOf(start), -pages);
    accountFolios(kernel, cached, kernel.nidOf(start), pages);
    kernel.frames.reclass(start, pages, () => cached.id);
    const first = slot + (start - pfn) * step;
    for (let k = 0; k < pages; k += step === 1 ? pages : 1) {
      addToSwapCache(kernel, start + k, first + k * step, step === 1 ? pages : 1);
    }
    rotateReclaimable(kernel, start, pages);
  }
}

function unmapFile(kernel: Kernel, inode: Inode, index: number, count: number): void {
  for (const { mm, vma } of Array.from(inode.mappings)) {
    const from = Math.max(index, vma.pgoff);
    const to = Math.min(index + count, vma.pgoff + vma.end - vma.start);
    if (from < to) zapRange(kernel, mm, vma.start + from - vma.pgoff, to - from, 'file');
  }
}
