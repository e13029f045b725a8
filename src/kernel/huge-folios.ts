import { PAGES_PER_PMD } from '../units/pages.ts';
import type { FolioKind } from './folio-class.ts';
import { accountFolios, freeFolios, payerOf } from './folios.ts';
import { allocateHugeFrames, freeBlocks, HUGE_ORDER, type HugePiece } from './huge-frames.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Policy } from './mempolicy.ts';
import type { Memcg } from './memcg.ts';
import { MAX_RECLAIM_RETRIES } from './memory-pressure.ts';
import { isMovable } from './page-allocator.ts';
import type { Task } from './task.ts';

/** A request for 2 MiB folios; `ilx` counts in blocks. */
export interface HugeRequest {
  kind: FolioKind;
  inode: Inode | null;
  policy: Policy | null;
  ilx: number;
  blocks: number;
  dirty: boolean;
  mayReclaim: boolean;
}

/**
 * Huge folios in block order. `isRefused`: there was another one, which a limit does not allow. Fewer than were asked for may come without that:
 * the caller enters them where reclaim finds them and asks again.
 */
export interface HugeFolios {
  pieces: HugePiece[];
  isRefused: boolean;
}

/**
 * Allocates and charges 2 MiB folios as far as memory and limits go; nobody is killed for one, since base pages do instead
 * (mm/huge_memory.c:vma_alloc_anon_folio_pmd, mm/shmem.c:shmem_alloc_and_add_folio).
 */
export function allocateHugeFolios(kernel: Kernel, task: Task, request: HugeRequest): HugeFolios {
  const { memcg } = payerOf(kernel, task, request.kind, request.inode);
  const isAnon = request.kind === 'anon';
  const found = placeHugeFolios(kernel, task, request);
  const got = found.pieces.reduce((sum, { blocks }) => sum + blocks, 0);
  if (got > 0) {
    kernel.event(isAnon ? 'thp_fault_alloc' : 'thp_file_alloc', got);
    if (isAnon) memcg.vmEvent('thp_fault_alloc', got);
  }
  // Whoever has got some asks again for the rest.
  if (got === 0) {
    kernel.event(isAnon ? 'thp_fault_fallback' : 'thp_file_fallback', 1);
    if (found.isRefused) kernel.event(isAnon ? 'thp_fault_fallback_charge' : 'thp_file_fallback_charge', 1);
  }
  return found;
}

/** allocateHugeFolios for whoever counts in other events. */
export function placeHugeFolios(kernel: Kernel, task: Task, request: HugeRequest): HugeFolios {
  const { kind, inode, dirty, mayReclaim } = request;
  const { memcg } = payerOf(kernel, task, kind, inode);
  const frames = allocateHugeFrames(kernel, task, request.policy, {
    ilx: request.ilx,
    blocks: request.blocks,
    movable: isMovable(kernel, kind),
    mayReclaim,
  });
  const folioClass = kernel.classes.of(kind, inode, memcg, task.process.worker, dirty, false, HUGE_ORDER);
  const pieces: HugePiece[] = [];
  let isRefused = false;
  for (const piece of frames) {
    let { pfn } = piece;
    const end = pfn + piece.blocks * PAGES_PER_PMD;
    const mayWait = (): boolean => pieces.length > 0 && memcg.overLimit(PAGES_PER_PMD) !== null;
    while (pfn < end && !isRefused && !mayWait()) {
      const pages = chargeHuge(kernel, task, memcg, end - pfn, mayReclaim);
      isRefused = pages === 0;
      if (isRefused) break;
      kernel.frames.allocate(pfn, pages, folioClass.id);
      kernel.hugeFolios.allocate(pfn / PAGES_PER_PMD, pages / PAGES_PER_PMD, folioClass.id);
      accountFolios(kernel, folioClass, piece.nid, pages);
      pieces.push({ ...piece, pfn, blocks: pages / PAGES_PER_PMD });
      pfn += pages;
    }
    if (pfn < end) freeBlocks(kernel, { ...piece, pfn, blocks: (end - pfn) / PAGES_PER_PMD });
  }
  return { pieces, isRefused };
}

/**
 * Charges as many whole huge pages as a group has room for, at most `pages`; where there is room for none, as many as reclaim makes room for
 * at a time: one, or 0 (mm/memcontrol.c:try_charge_memcg, which never kills for more than eight pages).
 */
function chargeHuge(kernel: Kernel, task: Task, memcg: Memcg, pages: number, mayReclaim: boolean): number {
  if (!memcg.parent) return pages;
  if (!makeRoomForHuge(kernel, task, memcg, mayReclaim)) return 0;
  const charged = Math.min(pages, Math.floor(memcg.room() / PAGES_PER_PMD) * PAGES_PER_PMD);
  memcg.charge(charged);
  return charged;
}

/** Stocks are drained after the first attempt; each of them is a `max` event. */
function makeRoomForHuge(kernel: Kernel, task: Task, memcg: Memcg, mayReclaim: boolean): boolean {
  for (let attempt = 0; attempt < MAX_RECLAIM_RETRIES + 2; attempt++) {
    const limit = memcg.overLimit(PAGES_PER_PMD);
    if (!limit) return true;
    if (mayReclaim || kernel.profile.countsRefusedHuge) limit.event('max');
    if (!mayReclaim) return false;
    const nids = kernel.zonelists[task.nid]!;
    kernel.reclaim({ memcg: limit, nids, pages: PAGES_PER_PMD, by: 'direct' });
    if (attempt === 0 && memcg.overLimit(PAGES_PER_PMD))
      for (const stock of kernel.stocks) stock.drain(limit);
  }
  return false;
}

/** Frees huge folios of a range that nothing maps any more; one with a page that is still mapped stays as a whole (deferred split). */
export function freeUnmappedHuge(kernel: Kernel, pfn: number, count: number): void {
  const first = Math.floor(pfn / PAGES_PER_PMD);
  const last = Math.ceil((pfn + count) / PAGES_PER_PMD) - 1;
  const from = isUnmapped(kernel, first) ? first : first + 1;
  const to = last === first || isUnmapped(kernel, last) ? last : last - 1;
  if (from <= to) freeFolios(kernel, from * PAGES_PER_PMD, (to - from + 1) * PAGES_PER_PMD);
}

function isUnmapped(kernel: Kernel, block: number): boolean {
  let isFree = kernel.hugeFolios.classOf(block) !== 0;
  kernel.frames.forEach(block * PAGES_PER_PMD, PAGES_PER_PMD, (_pfn, _count, _id, maps) => {
    if (maps > 0) isFree = false;
  });
  return isFree;
}

/**
 * Splits huge folios into single pages (mm/huge_memory.c:split_huge_page_to_list). No huge entry maps them any more; pages of anonymous
 * folios that nothing maps are freed.
 */
export function splitHugeFolios(kernel: Kernel, pfn: number, blocks: number): void {
  const pages = blocks * PAGES_PER_PMD;
  const { classes, frames } = kernel;
  const unmapped: { pfn: number; count: number }[] = [];
  frames.forEach(pfn, pages, (start, count, id, maps) => {
    const before = classes.get(id);
    accountFolios(kernel, before, kernel.nidOf(start), -count);
    accountFolios(kernel, classes.get(classes.split(id)), kernel.nidOf(start), count);
    if (before.kind === 'anon' && maps === 0) unmapped.push({ pfn: start, count });
  });
  kernel.hugeFolios.free(pfn / PAGES_PER_PMD, blocks);
  frames.reclass(pfn, pages, (id) => classes.split(id));
  for (const run of unmapped) freeFolios(kernel, run.pfn, run.count);
  kernel.event('thp_split_page', blocks);
}
