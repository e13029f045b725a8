import { PAGES_PER_PMD } from '../units/pages.ts';
import type { FolioKind } from './folio-class.ts';
import { accountFolios, freeFolios, payerOf } from './folios.ts';
import { allocateHugeFrames, freeBlocks, HUGE_ORDER, type HugePiece } from './huge-frames.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Policy } from './mempolicy.ts';
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
 * Allocates and charges 2 MiB folios as far as memory and limits go; nothing is reclaimed and nobody killed for one, since base pages do
 * instead (mm/huge_memory.c:vma_alloc_anon_folio_pmd, mm/shmem.c:shmem_alloc_and_add_folio). Pieces are in block order.
 */
export function allocateHugeFolios(kernel: Kernel, task: Task, request: HugeRequest): HugePiece[] {
  const { memcg } = payerOf(kernel, task, request.kind, request.inode);
  const isAnon = request.kind === 'anon';
  const { pieces, offered } = placeHugeFolios(kernel, task, request);
  const got = pieces.reduce((sum, { blocks }) => sum + blocks, 0);
  if (got > 0) {
    kernel.event(isAnon ? 'thp_fault_alloc' : 'thp_file_alloc', got);
    if (isAnon) memcg.vmEvent('thp_fault_alloc', got);
  }
  if (got < request.blocks) {
    kernel.event(isAnon ? 'thp_fault_fallback' : 'thp_file_fallback', 1);
    if (got < offered) kernel.event(isAnon ? 'thp_fault_fallback_charge' : 'thp_file_fallback_charge', 1);
  }
  return pieces;
}

/** allocateHugeFolios for whoever counts in other events. Also says how many blocks there were before the limits had their say. */
export function placeHugeFolios(
  kernel: Kernel,
  task: Task,
  request: HugeRequest,
): { pieces: HugePiece[]; offered: number } {
  const { memcg } = payerOf(kernel, task, request.kind, request.inode);
  const room = memcg.parent ? Math.floor(memcg.room() / PAGES_PER_PMD) : Infinity;
  const frames = allocateHugeFrames(kernel, task, request.policy, {
    ilx: request.ilx,
    blocks: request.blocks,
    movable: isMovable(kernel, request.kind),
    mayReclaim: request.mayReclaim,
  });
  const folioClass = kernel.classes.of(
    request.kind,
    request.inode,
    memcg,
    task.process.worker,
    request.dirty,
    false,
    HUGE_ORDER,
  );
  const out: HugePiece[] = [];
  let charged = 0;
  for (const piece of frames) {
    const blocks = Math.min(piece.blocks, room - charged);
    if (blocks < piece.blocks) {
      const pfn = piece.pfn + blocks * PAGES_PER_PMD;
      freeBlocks(kernel, { ...piece, pfn, blocks: piece.blocks - blocks });
    }
    if (blocks === 0) continue;
    const pages = blocks * PAGES_PER_PMD;
    if (memcg.parent) memcg.charge(pages);
    kernel.frames.allocate(piece.pfn, pages, folioClass.id);
    kernel.hugeFolios.allocate(piece.pfn / PAGES_PER_PMD, blocks, folioClass.id);
    accountFolios(kernel, folioClass, piece.nid, pages);
    charged += blocks;
    out.push({ ...piece, blocks });
  }
  const offered = frames.reduce((sum, { blocks }) => sum + blocks, 0);
  if (charged < offered && kernel.profile.countsRefusedHuge) memcg.overLimit(PAGES_PER_PMD)?.event('max');
  return { pieces: out, offered };
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
