import type { Errno } from '../units/errno.ts';
import type { MigrateRequest } from '../units/migration.ts';
import { joinStretches, type Stretch } from './buddy-blocks.ts';
import { clipLane, type Lane, partOfLane } from '../units/lanes.ts';
import { PageLane } from '../units/page-runs.ts';
import type { GmemStretch } from './gmem-stretch.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Move } from './migrate.ts';
import { firstMove } from './moves.ts';
import { isPfnmap } from './vma.ts';

/**
 * Passes over a folio that says EAGAIN: NR_MAX_MIGRATE_PAGES_RETRY in asynchronous mode; in the others NR_MAX_MIGRATE_ASYNC_RETRY with its batch
 * and NR_MAX_MIGRATE_SYNC_RETRY alone, which are as many.
 */
const PASSES = 10;

/** Takes back the target of a page that did not move (free_folio_t). */
export type PutTarget = (pfn: number, count: number) => void;

/** mm/migrate.c:migrate_folio_unmap for entries of shadow VMAs: MMU notifiers hear of the addresses at which pages are mapped there. */
function unmapShadows(kernel: Kernel, inode: Inode, lane: Lane, folioPages: number): void {
  for (const { mm, vma } of inode.mappings) {
    if (!vma.isShadow || isPfnmap(vma)) continue;
    const shift = vma.start - vma.pgoff;
    const inside = clipLane(lane, vma.pgoff, vma.end - shift);
    if (!inside) continue;
    // Frames that move are in the page cache, which is what a mirroring VMA maps.
    for (const part of vma.mirrors ? [inside] : vma.shadowPages!.among(inside, true)) {
      for (const notify of kernel.mmuNotifiers) notify(mm, part.index + shift, part.count, part.stride);
      kernel.hooks.shadowUnmapped(inode, new PageLane(part), Math.ceil(part.count / folioPages));
    }
  }
}

/**
 * What migrate_pages() makes of frames of a gmem that have their targets (mm/migrate.c:migrate_pages_batch): entries of shadow VMAs go, then
 * the file's migrate_folio is asked, again in each pass for those that said EAGAIN. Returns the moves that go through, split where the
 * answers differ; the targets of the others are put back. Folios of 2 MiB go or stay as a whole.
 */
export function admitMoves(
  kernel: Kernel,
  stretches: readonly GmemStretch[],
  moves: readonly Move[],
  request: MigrateRequest,
  putTarget: PutTarget,
): Move[] {
  const stuck: Stretch[] = [];
  for (const stretch of stretches) {
    const { inode } = stretch;
    const own: Stretch[] = [];
    let errno: Errno | 0 = 0;
    const size = 2 ** kernel.classes.get(kernel.frames.classOf(stretch.pfn)).order;
    unmapShadows(kernel, inode, stretch, size);
    for (const part of refusals(kernel, stretch, size, request)) {
      const first = stretch.pfn + part.first;
      const start = Math.floor(first / size) * size;
      const end = Math.ceil((first + part.count) / size) * size;
      own.push({ start, count: end - start });
      errno = part.errno;
    }
    const stays = joinStretches(own);
    const failed = stays.reduce((sum, { count }) => sum + count, 0);
    stuck.push(...stays);
    kernel.gmemMigrated({ inode, reason: request.reason, moved: stretch.count - failed, failed, errno });
  }
  if (stuck.length === 0) return [...moves];
  const { kept, dropped } = without(moves, stuck);
  for (const { to, count } of dropped) putTarget(to, count);
  return kept;
}

/** Those pages of a stretch that stay, in order: which is the first, and how many follow. */
function refusals(
  kernel: Kernel,
  stretch: GmemStretch,
  folioPages: number,
  request: MigrateRequest,
): { first: number; count: number; errno: Errno }[] {
  const out: { first: number; count: number; errno: Errno }[] = [];
  for (let done = 0; done < stretch.count;) {
    let n = stretch.count - done;
    let errno: Errno | 0 = 'EAGAIN';
    for (let pass = 0; errno === 'EAGAIN' && pass < PASSES; pass++) {
      const pages = new PageLane(partOfLane(stretch, done, n));
      const answer = kernel.hooks.migrateFolio(stretch.inode, pages, { ...request, pass, folioPages });
      n = Math.max(1, Math.min(n, answer.count));
      errno = answer.errno;
    }
    const last = out.at(-1);
    if (errno !== 0 && last?.errno === errno && last.first + last.count === done) last.count += n;
    else if (errno !== 0) out.push({ first: done, count: n, errno });
    done += n;
  }
  return out;
}

/** Splits moves, which are in the order of their old frames, by whether these lie in stretches. */
function without(moves: readonly Move[], stretches: Stretch[]): { kept: Move[]; dropped: Move[] } {
  const sorted = stretches.sort((a, b) => a.start - b.start);
  const kept: Move[] = [];
  const dropped: Move[] = [];
  let next = 0;
  for (const { from, to, count } of moves) {
    const end = from + count;
    const part = (start: number, stop: number): Move => ({
      from: start,
      to: to + start - from,
      count: stop - start,
    });
    let at = from;
    while (next < sorted.length && sorted[next]!.start + sorted[next]!.count <= from) next++;
    for (let i = next; i < sorted.length && sorted[i]!.start < end; i++) {
      const start = Math.max(at, sorted[i]!.start);
      const stop = Math.min(end, sorted[i]!.start + sorted[i]!.count);
      if (start > at) kept.push(part(at, start));
      if (stop > start) dropped.push(part(start, stop));
      at = Math.max(at, stop);
    }
    if (at < end) kept.push(part(at, end));
  }
  return { kept, dropped };
}

/**
 * Tells everybody that has to know that frames of a gmem moved, by moves in the order of their old frames; the page cache has the new ones
 * by now.
 */
export function gmemMoved(kernel: Kernel, stretch: GmemStretch, moves: readonly Move[]): void {
  const end = stretch.pfn + stretch.count;
  for (let i = firstMove(moves, stretch.pfn); i < moves.length && moves[i]!.from < end; i++) {
    const move = moves[i]!;
    const from = Math.max(stretch.pfn, move.from);
    const count = Math.min(end, move.from + move.count) - from;
    const part = { ...stretch, ...partOfLane(stretch, from - stretch.pfn, count), pfn: from };
    kernel.gmemLeftFrames(part);
    const nodes = (pfn: number): Float64Array => {
      const out = new Float64Array(kernel.nodes.length);
      out[kernel.nidOf(pfn)] = count;
      return out;
    };
    const target = move.to + from - move.from;
    kernel.hooks.folioMoved(stretch.inode, new PageLane(part), nodes(from), nodes(target));
  }
}
