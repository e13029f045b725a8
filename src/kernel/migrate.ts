import { DIRTIED, type FolioClass } from './folio-class.ts';
import { accountFolios } from './folios.ts';
import type { GmemStretch } from './gmem-stretch.ts';
import { moveHugetlb } from './hugetlb-migrate.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { admitMoves, gmemMoved } from './migrate-gmem.ts';
import type { Mm } from './mm.ts';
import { firstMove } from './moves.ts';
import { moveHugeFolios, splitForMigration, wholeFolios } from './migrate-huge.ts';
import { forEachLane, freeFrames, type Piece } from './page-allocator.ts';
import type { PfnMap } from './pfn-map.ts';
import { accountMapped } from './map-counts.ts';
import type { MigrateRequest } from '../units/migration.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import { moveSwapCache } from './swap-cache.ts';
import { indexOf, type Vma } from './vma.ts';

/** Frames of consecutive addresses that a caller took off their lists (isolated), and where page tables map them. */
export interface Isolated {
  mm: Mm;
  vma: Vma;
  /** Page addresses that hold the frames, among others when `stride` is not 1. */
  vpn: number;
  pfn: number;
  count: number;
  /** Pages from one frame's address to the next one's. */
  stride: number;
  /** The frames are huge folios, as a whole. */
  isHuge?: boolean;
}

/** How a migration ended: folios that stayed, and whether targets ran out before the end. */
export interface MigrateResult {
  failed: number;
  isOutOfMemory: boolean;
}

/** Gives target frames for pages in the order of the list; fewer than asked for means that memory ran out. */
export type NewFrames = (source: Isolated) => readonly Piece[];

/** Frames that moved: `count` frames from `from` on are now at `to`. */
export interface Move {
  from: number;
  to: number;
  count: number;
}

/** Attempts at a folio that fails for good in synchronous mode: with its batch, and alone (mm/migrate.c:migrate_pages_sync). */
const SYNC_ATTEMPTS = 2;
/** NR_MAX_BATCHED_MIGRATION: pages that have a target at the same time. */
const MIGRATE_BATCH = 512;

/**
 * mm/migrate.c:migrate_pages for a list of isolated folios. Every folio gets a target; user mappings of both kinds go through the MMU notifiers;
 * then the page cache's slots, the page-table entries and all statistics follow. A folio of an inaccessible mapping (gmem, unless a design says
 * otherwise) has got as far as losing its mappings when it is refused (EOPNOTSUPP): it gets them back, and its target is freed. One of a gmem
 * that may move is up to the file's migrate_folio, which may refuse it or ask for another pass (migrate-gmem.ts). Nothing else is ever refused:
 * the model holds no locks and no writeback while it moves. Running out of targets ends the call (ENOMEM).
 */
export function migratePages(
  kernel: Kernel,
  isolated: readonly Isolated[],
  newFrames: NewFrames,
  request: MigrateRequest,
): MigrateResult {
  let failed = 0;
  for (const found of wholeFolios(kernel, isolated)) {
    let source = found;
    notify(kernel, source);
    const { kind, inode } = kernel.classes.get(kernel.frames.classOf(source.pfn));
    const gmem = kind === 'gmem' ? inode : null;
    if (gmem && !kernel.hooks.mayMigrate(gmem)) {
      for (let attempt = 0; attempt < SYNC_ATTEMPTS; attempt++) {
        if (!tryTargets(kernel, source, newFrames)) return { failed, isOutOfMemory: true };
      }
      failed += source.count;
      kernel.event('pgmigrate_fail', source.count);
      const { reason } = request;
      kernel.gmemMigrated({ inode: gmem, reason, moved: 0, failed: source.count, errno: 'EOPNOTSUPP' });
      continue;
    }
    let at = source.pfn;
    let moved = 0;
    const put = (pfn: number, count: number): void => freeFrames(kernel, pfn, count);
    const take = (pieces: readonly Piece[]): Move[] => {
      const first = at;
      const moves: Move[] = [];
      for (const { pfn, count } of pieces) {
        moves.push({ from: at, to: pfn, count });
        at += count;
      }
      if (at === first) return [];
      const stretch = gmem && stretchOf(gmem, source, first, at - first);
      const going = stretch ? admitMoves(kernel, [stretch], moves, request, put) : moves;
      const n = pagesOf(going);
      moved += n;
      if (n < at - first) {
        failed += at - first - n;
        kernel.event('pgmigrate_fail', at - first - n);
      }
      if (n > 0) replace(kernel, { ...source, count: at - source.pfn }, going);
      if (stretch) gmemMoved(kernel, stretch, going);
      return going;
    };
    const whole = take(newFrames(source));
    // What huge pages of the pool leave may be the target of the next ones.
    for (let got = whole.length; source.vma.hugetlb && got > 0 && at < source.pfn + source.count;) {
      const done = at - source.pfn;
      got = take(
        newFrames({ ...source, vpn: source.vpn + done, pfn: at, count: source.count - done }),
      ).length;
    }
    if (source.isHuge) {
      moveHugeFolios(kernel, whole);
      kernel.event('thp_migration_success', pagesOf(whole) / PAGES_PER_PMD);
      const done = at - source.pfn;
      if (done < source.count) {
        const rest = { ...source, vpn: source.vpn + done, pfn: at, count: source.count - done };
        source = splitForMigration(kernel, rest);
        take(newFrames(source));
      }
    }
    kernel.event('pgmigrate_success', moved);
    if (at < source.pfn + source.count) return { failed, isOutOfMemory: true };
  }
  return { failed, isOutOfMemory: false };
}

const pagesOf = (moves: readonly Move[]): number => moves.reduce((sum, { count }) => sum + count, 0);

/** Frames of an isolated stretch as pages of their gmem. */
function stretchOf(inode: Inode, source: Isolated, pfn: number, count: number): GmemStretch {
  const { vma, vpn, stride } = source;
  return { inode, pfn, count, index: indexOf(vma, vpn) + (pfn - source.pfn) * stride, stride };
}

/** Takes targets for a stretch in batches and gives them back. Returns whether there were enough. */
function tryTargets(kernel: Kernel, source: Isolated, newFrames: NewFrames): boolean {
  for (let done = 0; done < source.count; done += MIGRATE_BATCH) {
    const count = Math.min(MIGRATE_BATCH, source.count - done);
    const part = { ...source, vpn: source.vpn + done * source.stride, pfn: source.pfn + done, count };
    const pieces = newFrames(part);
    for (const piece of pieces) freeFrames(kernel, piece.pfn, piece.count);
    if (pieces.reduce((sum, piece) => sum + piece.count, 0) < count) return false;
  }
  return true;
}

/**
 * try_to_migrate: whoever mirrors a page table hears of each range that loses its entries, as far as the VMA goes (page_vma_mapped_walk);
 * who loses its entries remembers the RSS it had.
 */
function notify(kernel: Kernel, { mm, vma, vpn, pfn, count, stride }: Isolated): void {
  const call = (where: Mm, at: number, n: number): void => {
    where.noteRss();
    for (const notifier of kernel.mmuNotifiers) notifier(where, at, n);
  };
  const [length, times] = stride === 1 ? [count, 1] : [1, count];
  for (let k = 0; k < times; k++) {
    const at = vpn + k * stride;
    if (!vma.file) {
      for (const other of kernel.processes.values()) {
        if (other.mm && (other.mm === mm || other.mm.pt.get(at) === pfn + k)) call(other.mm, at, length);
      }
      continue;
    }
    const index = indexOf(vma, at);
    for (const other of vma.file.mappings) {
      if (other.vma.isShadow) continue;
      const from = Math.max(index, other.vma.pgoff);
      const to = Math.min(index + length, indexOf(other.vma, other.vma.end));
      if (from < to) call(other.mm, other.vma.start + from - other.vma.pgoff, to - from);
    }
  }
}

/** Makes allocated frames of moved folios, with their map counts and statistics; the old frames are free then (folio_migrate_flags). */
export function moveFolios(kernel: Kernel, moves: readonly Move[]): void {
  for (const { from, to, count } of moves) {
    if (kernel.classes.get(kernel.frames.classOf(from)).kind === 'hugetlb') {
      moveHugetlb(kernel, from, to, count);
      continue;
    }
    const before: { start: number; pages: number; folioClass: FolioClass; maps: number }[] = [];
    kernel.frames.forEach(from, count, (start, pages, id, maps) => {
      before.push({ start, pages, folioClass: kernel.classes.get(id), maps });
    });
    for (const { start, pages, folioClass, maps } of before) {
      const target = to + start - from;
      const { id, kind, dirty } = folioClass;
      // try_to_migrate_one: what the entries knew goes to the folio.
      kernel.frames.allocate(
        target,
        pages,
        kind === 'anon' && dirty ? kernel.classes.marked(id, DIRTIED) : id,
      );
      if (maps > 0) kernel.frames.addMaps(target, pages, maps, () => undefined);
      for (const [pfn, sign] of [
        [start, -1],
        [target, 1],
      ] as const) {
        accountFolios(kernel, folioClass, kernel.nidOf(pfn), sign * pages);
        if (maps > 0) accountMapped(kernel, folioClass, kernel.nidOf(pfn), sign * pages);
      }
    }
    if (kernel.swap.slotOf.size > 0) moveSwapCache(kernel, from, to, count);
    kernel.frames.free(from, count);
    freeFrames(kernel, from, count);
  }
}

/** folio_migrate_mapping, remove_migration_ptes and the statistics of one stretch of frames. */
function replace(kernel: Kernel, source: Isolated, moves: readonly Move[]): void {
  moveFolios(kernel, moves);
  const { vma, vpn, count, stride } = source;
  const span = (count - 1) * stride + 1;
  const { inode } = kernel.classes.get(kernel.frames.classOf(moves[0]?.to ?? source.pfn));
  if (!inode || inode !== vma.file) {
    // Anonymous pages, and those of a program's image: forked processes have them at the same addresses.
    for (const { mm } of kernel.processes.values()) if (mm) translate(mm.pt, vpn, span, moves);
    if (inode) translate(inode.cache, 0, inode.sizePages, moves);
    return;
  }
  const index = indexOf(vma, vpn);
  translate(inode.cache, index, span, moves);
  for (const other of inode.mappings) {
    const from = Math.max(index, other.vma.pgoff);
    const to = Math.min(index + span, indexOf(other.vma, other.vma.end));
    if (from < to) translate(other.mm.pt, other.vma.start + from - other.vma.pgoff, to - from, moves);
  }
}

/** Gives the entries of a range that point at moved frames their new frames; all others stay. */
export function translate(map: PfnMap, index: number, count: number, moves: readonly Move[]): void {
  const runs: { index: number; count: number; period: number; lanes: number[] }[] = [];
  map.forEach(index, count, (at, n, period, lanes) => {
    let isTouched = false;
    forEachLane(n, period, lanes, (pfn, length) => {
      const { to, left } = lookUp(moves, pfn);
      if (to !== pfn || left < length) isTouched = true;
    });
    if (isTouched) runs.push({ index: at, count: n, period, lanes: [...lanes] });
  });
  for (const run of runs) {
    const first = lookUp(moves, run.lanes[0]!);
    if (run.period === 1 && first.left >= run.count && map.retarget(run.index, run.count, first.to)) continue;
    map.clear(run.index, run.count);
    for (let done = 0; done < run.count;) {
      // Frames of all lanes advance together until one of them comes to a border of what moved.
      let rows = Infinity;
      const lanes: number[] = [];
      const width = Math.min(run.period, run.count - done);
      for (let l = 0; l < width; l++) {
        const pfn = run.lanes[l]! + done / run.period;
        const { to, left } = lookUp(moves, pfn);
        lanes.push(to);
        rows = Math.min(rows, left);
      }
      const n = Math.min(rows * run.period, run.count - done);
      map.setRun(run.index + done, n, Math.min(width, n), lanes);
      done += n;
    }
  }
}

/** Where a frame is now, and for how many frames from it on the answer goes on. Moves are in the order of their old frames. */
function lookUp(moves: readonly Move[], pfn: number): { to: number; left: number } {
  const move = moves[firstMove(moves, pfn)];
  if (!move) return { to: pfn, left: Infinity };
  if (pfn < move.from) return { to: pfn, left: move.from - pfn };
  return { to: move.to + pfn - move.from, left: move.from + move.count - pfn };
}
