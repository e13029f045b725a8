import type { MigrateRequest } from '../units/migration.ts';
import { joinStretches } from './buddy-blocks.ts';
import type { FolioClass, FolioKind } from './folio-class.ts';
import { clipUse, type FrameUse } from './frame-uses.ts';
import type { GmemStretch } from './gmem-stretch.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { type Move, moveFolios, translate } from './migrate.ts';
import { firstMove } from './moves.ts';
import { admitMoves, gmemMoved, type PutTarget } from './migrate-gmem.ts';
import { freeFrames, isMovable } from './page-allocator.ts';

/** Whether movers of physical memory may take folios off their list: user memory, and a gmem where a design says so. */
export const mayTake = (kernel: Kernel, kind: FolioKind, inode: Inode | null): boolean =>
  kind === 'gmem' ? inode !== null && kernel.hooks.mayMigrate(inode) : isMovable(kernel, kind);

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
 * that held the old ones follow. Moves are in the order of their old frames; their new ones are taken already. Returns the moves that
 * went through: those of a gmem whose migrate_folio refuses do not, and their targets go back to where they came from.
 */
export function relocate(
  kernel: Kernel,
  uses: readonly FrameUse[],
  wanted: readonly Move[],
  request: MigrateRequest,
  putTarget: PutTarget = (pfn, count) => freeFrames(kernel, pfn, count),
): readonly Move[] {
  if (wanted.length === 0) return wanted;
  const files = uses.filter(({ gmem }) => gmem !== null);
  const asked = files.flatMap((use) => movedParts(use, wanted).map(stretchOf));
  const moves = asked.length > 0 ? admitMoves(kernel, asked, wanted, request, putTarget) : wanted;
  const touched = uses.flatMap((use) => movedParts(use, moves));
  for (const { mm, index, count, stride } of touched) {
    if (mm) for (const notify of kernel.mmuNotifiers) notify(mm, index, count, stride);
  }
  moveFolios(kernel, moves);
  for (const { map, index, count, stride } of touched) {
    translate(map, index, (count - 1) * stride + 1, moves);
  }
  for (const use of touched) if (use.gmem) gmemMoved(kernel, stretchOf(use), moves);
  kernel.event(
    'pgmigrate_success',
    moves.reduce((sum, { count }) => sum + count, 0),
  );
  return moves;
}

const stretchOf = ({ gmem, pfn, count, index, stride }: FrameUse): GmemStretch => ({
  inode: gmem!,
  pfn,
  count,
  index,
  stride,
});

/** The parts of a use whose frames move. */
function movedParts(use: FrameUse, moves: readonly Move[]): FrameUse[] {
  const out: FrameUse[] = [];
  const end = use.pfn + use.count;
  for (let i = firstMove(moves, use.pfn); i < moves.length && moves[i]!.from < end; i++) {
    const { from, count } = moves[i]!;
    const part = clipUse(use, from, from + count);
    const last = out[out.length - 1];
    if (!part) continue;
    if (last && last.pfn + last.count === part.pfn) last.count += part.count;
    else out.push(part);
  }
  return out;
}
