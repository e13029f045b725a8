import { dropShmem } from './drop-shmem.ts';
import { freeFolios } from './folios.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { growOld } from './lru.ts';
import { CACHED, collectLruvecs, type Evictable, type Lruvec, OLD, type ReclaimRequest } from './lruvecs.ts';
import type { Memcg } from './memcg.ts';
import { RECLAIM_BATCH } from './memory-pressure.ts';
import { forEachLane } from './page-allocator.ts';
import { zapRange } from './rmap.ts';
import { dropSwapCache } from './swap-cache.ts';
import { swapOutAnonymous, swapOutShmem, type SwappedOut } from './swap-out.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/**
 * Frees pages that can be had again (mm/vmscan.c:do_try_to_free_pages with the multi-generational LRU): every list of the groups and nodes
 * asked for gives batches in turn until there are enough. Clean page cache that nobody maps and given-up memory go first, then what is in swap
 * already, then anonymous and tmpfs pages, which need swap space: those that were not touched since the last scan before the others, in the
 * order of files and processes and of their pages. mlocked and unevictable pages (gmem) stay. Interleaved pages go together, whichever node
 * they are on, and write-back ends at once. Returns how many pages were freed.
 */
export function reclaim(kernel: Kernel, request: ReclaimRequest): number {
  const spared = new Set<Memcg>();
  const freed = takeFrom(kernel, request, collectLruvecs(kernel, request, spared, false));
  if (freed > 0 || spared.size === 0) return freed;
  // Groups below memory.low give when nobody else can.
  for (const memcg of spared) memcg.event('low');
  return takeFrom(kernel, request, collectLruvecs(kernel, request, spared, true));
}

function takeFrom(kernel: Kernel, request: ReclaimRequest, lruvecs: readonly Lruvec[]): number {
  let freed = 0;
  let active = lruvecs;
  while (freed < request.pages && active.length > 0) {
    const share = Math.ceil((request.pages - freed) / active.length / RECLAIM_BATCH) * RECLAIM_BATCH;
    const left: Lruvec[] = [];
    for (const lruvec of active) {
      if (freed >= request.pages) break;
      const by = request.by === 'proactive' && !kernel.profile.countsProactive ? 'direct' : request.by;
      const got = shrink(kernel, lruvec, share, by);
      freed += got;
      if (got > 0 && lruvec.order.some((list) => list.length > 0)) left.push(lruvec);
    }
    active = left;
  }
  age(kernel, lruvecs);
  return freed;
}

/** drop_caches with bit 0 (fs/drop_caches.c): clean page cache that nobody maps. Returns how many pages went. */
export function dropPageCache(kernel: Kernel): number {
  const nids = kernel.nodes.map((node) => node.nid);
  let freed = 0;
  const request: ReclaimRequest = { memcg: null, nids, pages: Infinity, by: 'direct' };
  for (const { order } of collectLruvecs(kernel, request, new Set(), true)) {
    for (const { inode, at, count } of order[0]!) if (inode) freed += dropFile(kernel, inode, at, count);
  }
  freed += dropShmem(kernel);
  kernel.event('drop_pagecache', 1);
  return freed;
}

function shrink(kernel: Kernel, lruvec: Lruvec, pages: number, by: ReclaimRequest['by']): number {
  let freed = 0;
  let written = 0;
  // Only the highest swappiness lets anonymous memory go before page cache (mm/vmscan.c:get_type_to_scan).
  const places = [...lruvec.order.keys()];
  if (kernel.swappiness === MAX_SWAPPINESS) places.push(places.shift()!);
  for (const place of places) {
    const list = lruvec.order[place]!;
    if (place > 0 && freed < pages && list.length > 0) lruvec.isAnonScanned = true;
    while (freed < pages && list.length > 0) {
      const head = list[0]!;
      const n = Math.min(head.count, wholeFolios(kernel, head, pages - freed));
      const got = evict(kernel, head, n);
      if (head.kind === 'lazy') {
        lruvec.memcg.vmEvent('pglazyfreed', got.pages);
        kernel.event('pglazyfreed', got.pages);
      }
      freed += got.pages;
      written += got.written;
      head.at += n;
      head.count -= n;
      // What could not go stays for good: it has found no slot.
      if (head.count === 0 || got.pages < n) list.shift();
    }
  }
  if (freed > 0) count(kernel, lruvec, by, freed, written);
  return freed;
}

/** vm.swappiness that spares page cache. */
const MAX_SWAPPINESS = 200;

/** pgsteal and pgscan: a page that is written is looked at once before and once after. */
function count(
  kernel: Kernel,
  { memcg, nids }: Lruvec,
  by: ReclaimRequest['by'],
  freed: number,
  written: number,
): void {
  const scanned = freed + written;
  memcg.vmEvent('pgsteal', freed);
  memcg.vmEvent('pgscan', scanned);
  kernel.event(`pgsteal_${by}`, freed);
  kernel.event(`pgscan_${by}`, scanned);
  nids.forEach((nid, i) => {
    const share = (pages: number): number => Math.floor((pages + i) / nids.length);
    memcg.add(`pgsteal_${by}`, nid, share(freed));
    memcg.add(`pgscan_${by}`, nid, share(scanned));
  });
}

/** Huge folios go one at a time, as a whole. */
function wholeFolios(kernel: Kernel, { kind, inode, mm, at }: Evictable, pages: number): number {
  if (kernel.hugeFolios.size === 0 || kind === 'cached') return pages;
  const pfn = kind === 'shmem' || kind === 'file' ? inode!.cache.get(at) : mm!.pt.get(at);
  if (kernel.classes.get(kernel.frames.classOf(pfn)).order === 0) return pages;
  return Math.ceil((at + pages) / PAGES_PER_PMD) * PAGES_PER_PMD - at;
}

function evict(kernel: Kernel, { kind, inode, mm, at }: Evictable, n: number): SwappedOut {
  switch (kind) {
    case 'file':
      return { pages: dropFile(kernel, inode!, at, n), written: 0 };
    case 'shmem':
      return swapOutShmem(kernel, inode!, at, n);
    case 'anon':
      return swapOutAnonymous(kernel, mm!, at, n);
    case 'lazy':
      zapRange(kernel, mm!, at, n);
      return { pages: n, written: 0 };
    case 'cached':
      dropSwapCache(kernel, at, n, true);
      freeFolios(kernel, at, n);
      return { pages: n, written: 0 };
  }
}

function dropFile(kernel: Kernel, inode: Inode, index: number, n: number): number {
  let freed = 0;
  inode.cache.clear(index, n, (_, pages, period, lanes) => {
    forEachLane(pages, period, lanes, (pfn, length) => freeFolios(kernel, pfn, length));
    freed += pages;
  });
  return freed;
}

/** Where a scan has used up what was old, everything that it leaves behind is old from now on (should_run_aging). */
function age(kernel: Kernel, lruvecs: readonly Lruvec[]): void {
  for (const { memcg, nids, order, isAnonScanned } of lruvecs) {
    if (!isAnonScanned || order[CACHED]!.length > 0 || order[OLD]!.length > 0) continue;
    for (const nid of nids) memcg.hasTwoGenerations.add(nid);
    for (const { kind, inode, mm, at, count: n } of order.slice(OLD).flat()) {
      (kind === 'shmem' ? inode!.cache : mm!.pt).forEach(at, n, (_, pages, period, lanes) => {
        forEachLane(pages, period, lanes, (pfn, length) => growOld(kernel, pfn, length));
      });
    }
  }
}
