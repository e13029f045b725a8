import type { Errno } from '../units/errno.ts';
import type { MigrateRequest } from '../units/migration.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import { joinStretches, type Stretch } from './buddy-blocks.ts';
import { forEachRange, type GmemStretch } from './gmem-stretch.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Move } from './migrate.ts';
import { forEachMapping } from './rmap.ts';

/**
 * Passes over a folio that says EAGAIN: NR_MAX_MIGRATE_PAGES_RETRY in asynchronous mode; in the others NR_MAX_MIGRATE_ASYNC_RETRY with its batch
 * and NR_MAX_MIGRATE_SYNC_RETRY alone, which are as many.
 */
const PASSES = 10;

/** Takes back the target of a page that did not move (free_folio_t). */
export type PutTarget = (pfn: number, count: number) => void;

/** mm/migrate.c:migrate_folio_unmap for entries of shadow VMAs: MMU notifiers hear of the addresses at which pages are mapped there. */
function unmapShadows(kernel: Kernel, inode: Inode, index: number, count: number): void {
  for (const { mm, vma } of inode.mappings) {
    if (!vma.isShadow) continue;
    const shift = vma.start - vma.pgoff;
    const from = Math.max(index, vma.pgoff);
    const n = Math.min(index + count, vma.end - shift) - from;
    if (n <= 0) continue;
    const mapped: number[] = [];
    forEachMapping(mm, vma, from + shift, n, (vpn, pages) => mapped.push(vpn, pages));
    for (let i = 0; i < mapped.length; i += 2) {
      for (const notify of kernel.mmuNotifiers) notify(mm, mapped[i]!, mapped[i + 1]!);
      kernel.hooks.shadowUnmapped(inode, mapped[i]! - shift, mapped[i + 1]!);
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
    const isHuge = kernel.classes.get(kernel.frames.classOf(stretch.pfn)).order > 0;
    forEachRange(stretch, (index, count, pfn) => {
      unmapShadows(kernel, inode, index, count);
      for (const part of refusals(kernel, inode, index, count, request)) {
        const first = pfn + part.index - index;
        const size = isHuge ? PAGES_PER_PMD : 1;
        const start = Math.floor(first / size) * size;
        const end = Math.ceil((first + part.count) / size) * size;
        own.push({ start, count: end - start });
        errno = part.errno;
      }
    });
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

/** The ranges of consecutive pages that stay, in order. */
function refusals(
  kernel: Kernel,
  inode: Inode,
  index: number,
  count: number,
  request: MigrateRequest,
): { index: number; count: number; errno: Errno }[] {
  const out: { index: number; count: number; errno: Errno }[] = [];
  const end = index + count;
  for (let at = index; at < end;) {
    let n = end - at;
    let errno: Errno | 0 = 'EAGAIN';
    for (let pass = 0; errno === 'EAGAIN' && pass < PASSES; pass++) {
      const answer = kernel.hooks.migrateFolio(inode, at, n, { ...request, pass });
      n = Math.max(1, Math.min(n, answer.count));
      errno = answer.errno;
    }
    const last = out.at(-1);
    if (errno !== 0 && last?.errno === errno && last.index + last.count === at) last.count += n;
    else if (errno !== 0) out.push({ index: at, count: n, errno });
    at += n;
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

/** Tells everybody that has to know that frames of a gmem moved; the page cache has the new ones by now. */
export function gmemMoved(kernel: Kernel, stretch: GmemStretch, moves: readonly Move[]): void {
  for (const move of moves) {
    const from = Math.max(stretch.pfn, move.from);
    const to = Math.min(stretch.pfn + stretch.count, move.from + move.count);
    if (from >= to) continue;
    const index = stretch.index + (from - stretch.pfn) * stretch.stride;
    const part = { ...stretch, pfn: from, count: to - from, index };
    kernel.gmemLeftFrames(part);
    const nodes = (pfn: number, pages: number): Float64Array => {
      const out = new Float64Array(kernel.nodes.length);
      out[kernel.nidOf(pfn)] = pages;
      return out;
    };
    forEachRange(part, (at, count, pfn) => {
      const target = move.to + pfn - move.from;
      kernel.hooks.folioMoved(stretch.inode, at, count, nodes(pfn, count), nodes(target, count));
    });
  }
}
