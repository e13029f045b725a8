import { joinStretches } from './buddy-blocks.ts';
import type { FolioClass } from './folio-class.ts';
import { clipUse, type FrameUse } from './frame-uses.ts';
import type { Kernel } from './kernel.ts';
import { type Move, moveFolios, translate } from './migrate.ts';

/** Frames of folios that a mover of physical memory may take, ascending: those that `uses` know of and whose class it wants. */
export function movableFrames(
  kernel: Kernel,
  uses: readonly FrameUse[],
  isWanted: (folioClass: FolioClass) => boolean,
): { start: number; count: number }[] {
  const out: { start: number; count: number }[] = [];
  for (const { start, count } of joinStretches(uses.map(({ pfn, count: n }) => ({ start: pfn, count: n })))) {
    kernel.frames.forEach(start, count, (pfn, n, id) => {
      if (isWanted(kernel.classes.get(id))) out.push({ start: pfn, count: n });
    });
  }
  return out;
}

/**
 * Moves folios by frame (mm/migrate.c:migrate_pages of an isolated list): MMU notifiers hear of mapped ranges, then frames and all entries
 * that held the old ones follow. Moves are in the order of their old frames; their new ones are taken already.
 */
export function relocate(kernel: Kernel, uses: readonly FrameUse[], moves: readonly Move[]): void {
  if (moves.length === 0) return;
  const touched = uses.flatMap((use) => movedParts(use, moves));
  for (const { mm, index, count, stride } of touched) {
    if (!mm) continue;
    const [length, times] = stride === 1 ? [count, 1] : [1, count];
    for (let k = 0; k < times; k++) {
      for (const notify of kernel.mmuNotifiers) notify(mm, index + k * stride, length);
    }
  }
  moveFolios(kernel, moves);
  for (const { map, index, count, stride } of touched) {
    translate(map, index, (count - 1) * stride + 1, moves);
  }
  kernel.event(
    'pgmigrate_success',
    moves.reduce((sum, { count }) => sum + count, 0),
  );
}

/** The parts of a use whose frames move. */
function movedParts(use: FrameUse, moves: readonly Move[]): FrameUse[] {
  const out: FrameUse[] = [];
  let lo = 0;
  let hi = moves.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (moves[mid]!.from + moves[mid]!.count <= use.pfn) lo = mid + 1;
    else hi = mid;
  }
  for (; lo < moves.length && moves[lo]!.from < use.pfn + use.count; lo++) {
    const { from, count } = moves[lo]!;
    const part = clipUse(use, from, from + count);
    const last = out[out.length - 1];
    if (!part) continue;
    if (last && last.pfn + last.count === part.pfn) last.count += part.count;
    else out.push(part);
  }
  return out;
}
