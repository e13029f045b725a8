import type { Kernel } from './kernel.ts';
import type { FolioKind } from './folio-class.ts';
import { interleaveRound, nextInRound, type Policy } from './mempolicy.ts';
import type { Task } from './task.ts';
import type { Zone } from './zone.ts';

/** Consecutive frames of one zone. */
export interface Piece {
  pfn: number;
  count: number;
  nid: number;
}

/** Frames of consecutive pages as PfnMap takes them: page k lies in lane k mod period. */
export interface FrameRun {
  count: number;
  period: number;
  lanes: number[];
}

/** Interleave index of a request that has none: the thread's own counter decides (NO_INTERLEAVE_INDEX). */
export const NO_INTERLEAVE_INDEX = -1;

/** User pages may come from ZONE_MOVABLE; gmem (GFP_HIGHUSER) and kernel memory may not. */
export const isMovable = (kind: FolioKind): boolean => kind === 'anon' || kind === 'shmem' || kind === 'file';

/**
 * Takes up to `count` single frames in the order of a policy (mm/mempolicy.c:alloc_pages_mpol). Returns runs in page order; fewer
 * pages than asked for means that memory ran out under this policy.
 */
export function allocateFrames(
  kernel: Kernel,
  task: Task,
  policy: Policy | null,
  ilx: number,
  count: number,
  movable: boolean,
): FrameRun[] {
  if (policy && (policy.mode === 'interleave' || policy.mode === 'winterleave')) {
    return interleaved(kernel, task, policy, ilx, count, movable);
  }
  const pieces = takePieces(kernel, task, placement(kernel, task, policy), count, movable, false);
  return pieces.map((piece) => ({ count: piece.count, period: 1, lanes: [piece.pfn] }));
}

/** Where a request looks, in order: nodes of the first pass, and of a second one where the policy has it. */
interface Placement {
  first: readonly number[];
  second: readonly number[] | null;
}

function placement(kernel: Kernel, task: Task, policy: Policy | null): Placement {
  const local = kernel.zonelists[task.nid]!;
  switch (policy?.mode) {
    case 'bind':
      return { first: local.filter((nid) => policy.nodes.includes(nid)), second: null };
    case 'preferred':
      return { first: kernel.zonelists[policy.nodes[0]!]!, second: null };
    case 'prefmany':
      return { first: local.filter((nid) => policy.nodes.includes(nid)), second: local };
    default:
      return { first: local, second: null };
  }
}

function interleaved(
  kernel: Kernel,
  task: Task,
  policy: Policy,
  ilx: number,
  count: number,
  movable: boolean,
): FrameRun[] {
  const round = interleaveRound(policy, kernel.weights);
  const n = round.length;
  const start = ilx === NO_INTERLEAVE_INDEX ? rotorPosition(task, policy, round) : ilx % n;
  if (ilx === NO_INTERLEAVE_INDEX) advanceRotor(task, policy, round, start, count);
  const counts = policy.mode === 'interleave' || kernel.profile.weightedHits;
  const period = Math.min(n, count);
  const lanes: Piece[][] = [];
  for (let l = 0; l < period; l++) {
    const nid = round[(start + l) % n]!;
    const wanted = Math.ceil((count - l) / n);
    lanes.push(
      takePieces(kernel, task, { first: kernel.zonelists[nid]!, second: null }, wanted, movable, counts),
    );
  }
  return weave(kernel, lanes, count);
}

/** Cuts lanes of pieces at their common borders. A lane that ran short ends the result there; what the others hold beyond goes back. */
function weave(kernel: Kernel, lanes: Piece[][], count: number): FrameRun[] {
  const period = lanes.length;
  if (
    lanes.every((lane) => lane.length === 1) &&
    lanes.reduce((sum, lane) => sum + lane[0]!.count, 0) === count
  )
    return [{ count, period, lanes: lanes.map((lane) => lane[0]!.pfn) }];
  const out: FrameRun[] = [];
  const at = lanes.map(() => ({ piece: 0, used: 0 }));
  let done = 0;
  while (done < count) {
    let rows = Infinity;
    let width = 0;
    for (let l = 0; l < period; l++) {
      const piece = lanes[l]![at[l]!.piece];
      if (!piece) break;
      rows = Math.min(rows, piece.count - at[l]!.used);
      width++;
    }
    if (width === 0) break;
    const pages = width < period ? width : Math.min(rows * period, count - done);
    out.push({
      count: pages,
      period: Math.min(width, pages),
      lanes: Array.from(
        { length: Math.min(width, pages) },
        (_, l) => lanes[l]![at[l]!.piece]!.pfn + at[l]!.used,
      ),
    });
    for (let l = 0; l < width; l++) {
      const taken = Math.ceil((pages - l) / period);
      if (taken <= 0) continue;
      const state = at[l]!;
      state.used += taken;
      if (state.used === lanes[l]![state.piece]!.count) {
        state.piece++;
        state.used = 0;
      }
    }
    done += pages;
    if (width < period) break;
  }
  at.forEach((state, l) => {
    for (const piece of lanes[l]!.slice(state.piece)) {
      freeFrames(kernel, piece.pfn + state.used, piece.count - state.used);
      state.used = 0;
    }
  });
  return out;
}

function rotorPosition(task: Task, policy: Policy, round: readonly number[]): number {
  if (policy.mode === 'winterleave' && task.ilWeight > 0) {
    const last = round.lastIndexOf(task.ilPrev);
    if (last >= 0) return last - task.ilWeight + 1;
  }
  return nextInRound(round, task.ilPrev);
}

/** mm/mempolicy.c:interleave_nodes and weighted_interleave_nodes: where the thread's counter stands after `count` pages. */
function advanceRotor(
  task: Task,
  policy: Policy,
  round: readonly number[],
  start: number,
  count: number,
): void {
  const last = (start + count - 1) % round.length;
  task.ilPrev = round[last]!;
  task.ilWeight = policy.mode === 'winterleave' ? round.lastIndexOf(task.ilPrev) - last : 0;
}

/**
 * Takes frames along a placement: above the low watermark first, then above min (mm/page_alloc.c:get_page_from_freelist), and counts
 * the allocation events (zone_statistics).
 */
export function takePieces(
  kernel: Kernel,
  task: Task,
  where: Placement,
  count: number,
  movable: boolean,
  isInterleave: boolean,
): Piece[] {
  const preferred = where.first[0];
  const pieces: Piece[] = [];
  if (preferred === undefined) return pieces;
  let missing = walk(kernel, where.first, count, movable, 'low', pieces);
  if (missing > 0 && where.second) missing = walk(kernel, where.second, missing, movable, 'low', pieces);
  if (missing > 0) walk(kernel, where.second ?? where.first, missing, movable, 'min', pieces);
  for (const piece of pieces) {
    const numa = kernel.nodes[piece.nid]!.numa;
    if (piece.nid === preferred) {
      numa.numa_hit += piece.count;
      if (isInterleave) numa.interleave_hit += piece.count;
    } else {
      numa.numa_miss += piece.count;
      kernel.nodes[preferred]!.numa.numa_foreign += piece.count;
    }
    if (piece.nid === task.nid) numa.local_node += piece.count;
    else numa.other_node += piece.count;
  }
  return pieces;
}

function walk(
  kernel: Kernel,
  order: readonly number[],
  count: number,
  movable: boolean,
  mark: 'low' | 'min',
  pieces: Piece[],
): number {
  for (const nid of order) {
    for (const zone of kernel.nodes[nid]!.zones) {
      if (zone.name === 'Movable' && !movable) continue;
      let room = Math.min(count, zone.freePages - zone[mark] - zone.reserve);
      while (room > 0) {
        const run = zone.takeRun(room);
        if (run.count === 0) break;
        const last = pieces[pieces.length - 1];
        if (last && last.pfn + last.count === run.pfn && last.nid === nid) last.count += run.count;
        else pieces.push({ pfn: run.pfn, count: run.count, nid });
        room -= run.count;
        count -= run.count;
      }
      if (count === 0) return 0;
    }
  }
  return count;
}

/** Calls `visit` for each lane of a run: consecutive frames. */
export function forEachLane(
  count: number,
  period: number,
  lanes: readonly number[],
  visit: (pfn: number, count: number) => void,
): void {
  for (let l = 0; l < period; l++) visit(lanes[l]!, Math.ceil((count - l) / period));
}

/** Gives frames back to their zone. */
export function freeFrames(kernel: Kernel, pfn: number, count: number): void {
  zoneOf(kernel, pfn).free(pfn, count);
}

function zoneOf(kernel: Kernel, pfn: number): Zone {
  for (const zone of kernel.nodes[kernel.nidOf(pfn)]!.zones) if (pfn >= zone.startPfn) return zone;
  throw new Error(`frame ${pfn} is in no zone`);
}
