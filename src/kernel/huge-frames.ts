import type { Kernel } from './kernel.ts';
import { interleaveRound, type Policy } from './mempolicy.ts';
import {
  advanceRotor,
  countEvents,
  fallbackFrom,
  NO_INTERLEAVE_INDEX,
  rotorPosition,
  type Piece,
  placementOf,
  mobilityOf,
} from './page-allocator.ts';
import { preferredOf } from './placement.ts';
import type { Task } from './task.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/** Order of a 2 MiB folio (HPAGE_PMD_ORDER). */
export const HUGE_ORDER = 9;

/** Consecutive 2 MiB blocks of frames; `pfn` is a multiple of 512. */
export interface HugePiece {
  pfn: number;
  blocks: number;
  nid: number;
}

/**
 * Takes up to `blocks` 2 MiB blocks in the order of a policy (mm/mempolicy.c:alloc_pages_mpol for HPAGE_PMD_ORDER). `ilx` is the interleave
 * index of the first one, counted in blocks, or NO_INTERLEAVE_INDEX. A policy that does not interleave takes them from its first node alone, since base pages at
 * hand are better than a huge page afar; with `mayReclaim` (an madvised mapping) it looks everywhere. Each block is one allocation event.
 */
export function allocateHugeFrames(
  kernel: Kernel,
  task: Task,
  policy: Policy | null,
  request: { ilx: number; blocks: number; movable: boolean; mayReclaim: boolean },
): HugePiece[] {
  const { blocks, movable } = request;
  if (policy && (policy.mode === 'interleave' || policy.mode === 'winterleave')) {
    const round = interleaveRound(policy, kernel.weights);
    const isHit = policy.mode === 'interleave' || kernel.profile.weightedHits;
    if (request.ilx !== NO_INTERLEAVE_INDEX) return interleavedBlocks(kernel, task, round, request, isHit);
    const ilx = rotorPosition(task, policy, round);
    advanceRotor(task, policy, round, ilx, blocks);
    return interleavedBlocks(kernel, task, round, { ...request, ilx }, isHit);
  }
  const where = placementOf(kernel, task, policy);
  const { first, second } = where;
  const pieces = takeBlocks(
    kernel,
    request.mayReclaim || second ? first : first.slice(0, 1),
    blocks,
    movable,
  );
  const taken = pieces.reduce((sum, piece) => sum + piece.blocks, 0);
  if (second) pieces.push(...takeBlocks(kernel, second, blocks - taken, movable));
  for (const { nid, blocks: n } of pieces) countEvents(kernel, task, nid, preferredOf(where, nid), n, false);
  return pieces;
}

/** Block k comes from member k of the round, or from where that one falls back to; the first one that can't be had ends it. */
function interleavedBlocks(
  kernel: Kernel,
  task: Task,
  round: readonly number[],
  { ilx, blocks, movable }: { ilx: number; blocks: number; movable: boolean },
  isHit: boolean,
): HugePiece[] {
  const lanes = round.slice(0, blocks).map((_, l) => {
    const nid = round[(ilx + l) % round.length]!;
    const order = fallbackFrom(kernel, task, nid).first;
    const pieces = takeBlocks(kernel, order, Math.ceil((blocks - l) / round.length), movable);
    for (const piece of pieces) countEvents(kernel, task, piece.nid, order[0]!, piece.blocks, isHit);
    return { pieces, at: 0, used: 0 };
  });
  const out: HugePiece[] = [];
  for (let k = 0; k < blocks; k++) {
    const lane = lanes[k % lanes.length]!;
    const piece = lane.pieces[lane.at];
    if (!piece) break;
    out.push({ pfn: piece.pfn + lane.used * PAGES_PER_PMD, blocks: 1, nid: piece.nid });
    if (++lane.used < piece.blocks) continue;
    lane.at++;
    lane.used = 0;
  }
  for (const { pieces, at, used } of lanes) {
    pieces.slice(at).forEach((piece, i) => {
      const skipped = i === 0 ? used : 0;
      const pfn = piece.pfn + skipped * PAGES_PER_PMD;
      freeBlocks(kernel, { ...piece, pfn, blocks: piece.blocks - skipped });
    });
  }
  return joinPieces(out);
}

/** Huge blocks of one node for a migration, as frames (alloc_migration_target with __GFP_THISNODE); fewer where it has no more. */
export function takeHugePieces(kernel: Kernel, task: Task, nid: number, frames: number): Piece[] {
  const pieces = takeBlocks(kernel, [nid], frames / PAGES_PER_PMD, true);
  return pieces.map(({ pfn, blocks }) => {
    countEvents(kernel, task, nid, nid, blocks, false);
    return { pfn, count: blocks * PAGES_PER_PMD, nid };
  });
}

/** Aligned free blocks of the nodes in order, above the low watermark first, then above min. */
export function takeBlocks(
  kernel: Kernel,
  order: readonly number[],
  blocks: number,
  movable: boolean,
): HugePiece[] {
  const pieces: HugePiece[] = [];
  let missing = blocks;
  for (const mark of ['low', 'min'] as const) {
    for (const nid of order) {
      for (const zone of kernel.nodes[nid]!.zones) {
        if (missing === 0) return pieces;
        if (zone.name === 'Movable' && !movable) continue;
        const room = Math.floor((zone.freePages - zone[mark] - zone.reserve) / PAGES_PER_PMD);
        if (room <= 0) continue;
        for (const { pfn, blocks: got } of zone.takeBlocks(
          HUGE_ORDER,
          Math.min(missing, room),
          mobilityOf(movable),
        )) {
          pieces.push({ pfn, blocks: got, nid });
          missing -= got;
        }
      }
    }
  }
  return pieces;
}

/** Gives blocks back to their zone. */
export function freeBlocks(kernel: Kernel, { pfn, blocks, nid }: HugePiece): void {
  const zone = kernel.nodes[nid]!.zones.find(({ startPfn }) => pfn >= startPfn);
  if (!zone) throw new Error(`frame ${pfn} is in no zone of node ${nid}`);
  zone.free(pfn, blocks * PAGES_PER_PMD);
}

/** Neighbours in order that are neighbours in memory as one piece. */
function joinPieces(pieces: readonly HugePiece[]): HugePiece[] {
  const out: HugePiece[] = [];
  for (const piece of pieces) {
    const last = out.at(-1);
    if (last && last.pfn + last.blocks * PAGES_PER_PMD === piece.pfn && last.nid === piece.nid) {
      last.blocks += piece.blocks;
    } else out.push({ ...piece });
  }
  return out;
}
