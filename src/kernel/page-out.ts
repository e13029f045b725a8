import { evictCached } from './drop-shmem.ts';
import { splitHugeEntry } from './huge-maps.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { zapRange } from './rmap.ts';
import { splitCachedFolio } from './shmem-huge.ts';
import { partOf, type Stretch, stretchesOf } from './stretches.ts';
import { swapOutAnonymous, swapOutShmem } from './swap-out.ts';
import type { Task } from './task.ts';
import { indexOf, type Vma } from './vma.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/**
 * MADV_PAGEOUT (mm/madvise.c:madvise_cold_or_pageout_pte_range): pages that this mapping alone maps go as reclaim would take them
 * (mm/vmscan.c:shrink_folio_list). Anonymous ones need a swap slot, or stay mapped; memory that was given up is freed. Those of tmpfs are unmapped
 * first: then clean ones are freed, and dirty ones go to swap, or stay in the cache where there is none. Write-back is only started: frames
 * wait in the swap cache until reclaim comes by.
 */
export function pageOut(kernel: Kernel, task: Task, mm: Mm, vma: Vma, vpn: number, count: number): void {
  for (const stretch of stretchesOf(kernel, (visit) => mm.pt.forEach(vpn, count, visit))) {
    const { at, count: pages, folioClass, maps } = stretch;
    if (maps > 1 || folioClass.mlocked) continue;
    if (folioClass.kind === 'shmem') {
      for (const part of cutAtFolios(stretch)) pageOutCached(kernel, task, mm, vma, part);
    } else if (folioClass.kind !== 'anon') continue;
    else if (folioClass.age === 'lazy' && !folioClass.dirty) discardLazy(kernel, mm, stretch);
    else swapOutAnonymous(kernel, mm, at, pages, true);
  }
}

/** A huge folio of which only a part is meant is split, and not looked at again: what maps page cache goes when it is split. */
function pageOutCached(kernel: Kernel, task: Task, mm: Mm, vma: Vma, part: Stretch): void {
  const { at, count, folioClass } = part;
  const inode = folioClass.inode!;
  const index = indexOf(vma, at);
  splitEntries(kernel, mm, at, count);
  if (folioClass.order > 0 && count < PAGES_PER_PMD) {
    splitCachedFolio(kernel, task, inode, Math.floor(index / PAGES_PER_PMD));
    return;
  }
  // The end of a huge entry has left nothing to zap.
  if (folioClass.order === 0 || mm.pt.get(at) >= 0) zapRange(kernel, mm, at, count);
  evictClean(kernel, inode, index, count);
  if (kernel.swap.freePages > 0) swapOutShmem(kernel, inode, index, count, true);
}

/** What is clean now that nobody maps it: the end of an entry may have made a page dirty. */
function evictClean(kernel: Kernel, inode: Inode, index: number, count: number): void {
  for (const { at, count: pages, folioClass } of stretchesOf(kernel, (visit) =>
    inode.cache.forEach(index, count, visit),
  )) {
    if (!folioClass.dirty) evictCached(kernel, inode, at, pages);
  }
}

function splitEntries(kernel: Kernel, mm: Mm, vpn: number, count: number): void {
  if (mm.hugeBlocks.size === 0) return;
  const first = Math.floor(vpn / PAGES_PER_PMD);
  for (const run of mm.hugeBlocks.runs(first, Math.ceil((vpn + count) / PAGES_PER_PMD) - first)) {
    for (let block = run.start; block < run.start + run.count; block++) splitHugeEntry(kernel, mm, block);
  }
}

/** A stretch of huge folios in parts: what it has of the first, all whole ones, what it has of the last. */
function cutAtFolios(stretch: Stretch): Stretch[] {
  if (stretch.folioClass.order === 0) return [stretch];
  const first = stretch.lanes[0]!;
  const end = first + stretch.count;
  const borders = [Math.ceil(first / PAGES_PER_PMD), Math.floor(end / PAGES_PER_PMD)];
  const cuts = [first, ...borders.map((block) => block * PAGES_PER_PMD).filter((pfn) => pfn > first), end];
  return cuts
    .slice(1)
    .map((cut, i) => partOf(stretch, cuts[i]! - first, cut - cuts[i]!))
    .filter(({ count }) => count > 0);
}

function discardLazy(kernel: Kernel, mm: Mm, { at, count, folioClass }: Stretch): void {
  zapRange(kernel, mm, at, count);
  kernel.event('pglazyfreed', count);
  folioClass.memcg.vmEvent('pglazyfreed', count);
}
