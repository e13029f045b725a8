import type { Kernel } from './kernel.ts';
import type { FolioKind } from './folio-class.ts';
import { interleaveRound, nextInRound, type Policy } from './mempolicy.ts';
import { type Placement, preferredOf } from './placement.ts';
import { KernelPanic } from './kernel-panic.ts';
import { outOfFrames } from './memory-pressure.ts';
import type { Task } from './task.ts';
import { MOVABLE, type Mobility, RECLAIMABLE, UNMOVABLE, type Zone } from './zone.ts';

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

/** User pages may come from ZONE_MOVABLE; kernel memory may not, nor may a gmem (GFP_HIGHUSER) unless a design makes it movable. */
export const isMovable = (kernel: Kernel, kind: FolioKind): boolean =>
  kind === 'anon' || kind === 'shmem' || kind === 'file' || (kind === 'gmem' && kernel.gmemIsMovable);

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
  const pieces = takePieces(kernel, task, placementOf(kernel, task, policy), count, movable, false);
  return pieces.map((piece) => ({ count: piece.count, period: 1, lanes: [piece.pfn] }));
}

/** allocateFrames for one page, without making arrays: a frame, or -1. */
export function allocateFrame(
  kernel: Kernel,
  task: Task,
  policy: Policy | null,
  ilx: number,
  movable: boolean,
): number {
  let isInterleave = false;
  let where: Placement;
  if (policy && (policy.mode === 'interleave' || policy.mode === 'winterleave')) {
    const round = interleaveRound(policy, kernel.weights);
    const at = ilx === NO_INTERLEAVE_INDEX ? rotorPosition(task, policy, round) : ilx % round.length;
    if (ilx === NO_INTERLEAVE_INDEX) advanceRotor(task, policy, round, at, 1);
    isInterleave = policy.mode === 'interleave' || kernel.profile.weightedHits;
    where = fallbackFrom(kernel, task, round[at]!);
  } else where = placementOf(kernel, task, policy);
  let pfn = takeOneAlong(kernel, where.first, movable);
  if (pfn < 0 && where.second) pfn = takeOneAlong(kernel, where.second, movable);
  if (pfn >= 0) {
    const nid = kernel.nidOf(pfn);
    countEvents(kernel, task, nid, preferredOf(where, nid), 1, isInterleave);
  }
  return pfn;
}

/** takeAlong for one page. */
function takeOneAlong(kernel: Kernel, order: readonly number[], movable: boolean): number {
  let pfn = walkOne(kernel, order, movable, 'low');
  if (pfn < 0 && wakeKswapd(kernel, order, movable)) pfn = walkOne(kernel, order, movable, 'low');
  return pfn < 0 ? walkOne(kernel, order, movable, 'min') : pfn;
}

function walkOne(kernel: Kernel, order: readonly number[], movable: boolean, mark: 'low' | 'min'): number {
  for (let i = 0; i < order.length; i++) {
    const { zones } = kernel.nodes[order[i]!]!;
    for (let z = 0; z < zones.length; z++) {
      const zone = zones[z]!;
      if (zone.name === 'Movable' && !movable) continue;
      if (zone.freePages - zone[mark] - zone.reserve > 0) return zone.takeOne(mobilityOf(movable));
    }
  }
  return -1;
}

/** zone_statistics: `count` allocation events, whatever the order of each. */
export function countEvents(
  kernel: Kernel,
  task: Task,
  nid: number,
  preferred: number,
  count: number,
  isInterleave: boolean,
): void {
  const { numa } = kernel.nodes[nid]!;
  if (nid === preferred) {
    numa.numa_hit += count;
    if (isInterleave) numa.interleave_hit += count;
  } else {
    numa.numa_miss += count;
    kernel.nodes[preferred]!.numa.numa_foreign += count;
  }
  if (nid === task.nid) numa.local_node += count;
  else numa.other_node += count;
}

/**
 * Frames for slabs of `framesEach`: one allocation a slab, so each is one event (mm/slub.c:alloc_slab_page). Up to 6.18 the task's policy
 * places them; real kernels take two ticks of an interleave counter for each, so that over two nodes all slabs of a call land on one.
 * 7.3 takes them from the node of the CPU.
 */
export function takeSlabs(kernel: Kernel, task: Task, slabs: number, framesEach: number): Piece[] {
  const policy = kernel.profile.slabFollowsPolicy ? task.policy : null;
  const pieces: Piece[] = [];
  const take = (where: Placement, n: number, isInterleave: boolean): void => {
    if (n === 0) return;
    const got = takeUncounted(kernel, where, n * framesEach, RECLAIMABLE);
    for (const piece of got) {
      const preferred = preferredOf(where, piece.nid);
      countEvents(kernel, task, piece.nid, preferred, Math.ceil(piece.count / framesEach), isInterleave);
      pieces.push(piece);
    }
  };
  if (policy && (policy.mode === 'interleave' || policy.mode === 'winterleave')) {
    const round = interleaveRound(policy, kernel.weights);
    const n = round.length;
    const start = rotorPosition(task, policy, round);
    advanceRotor(task, policy, round, start, TICKS_PER_SLAB * slabs);
    const counts = policy.mode === 'interleave' || kernel.profile.weightedHits;
    for (let i = 0; i < Math.min(n, slabs); i++) {
      const nid = round[(start + TICKS_PER_SLAB * (i + 1) - 1) % n]!;
      take(fallbackFrom(kernel, task, nid), Math.ceil((slabs - i) / n), counts);
    }
  } else take(placementOf(kernel, task, policy), slabs, false);
  return pieces;
}

/** Seen in captures of 6.12 under interleaving over two nodes. */
const TICKS_PER_SLAB = 2;

/** Where a request under a policy that does not interleave looks (mm/mempolicy.c:policy_nodemask). */
export function placementOf(kernel: Kernel, task: Task, policy: Policy | null): Placement {
  switch (policy?.mode) {
    case 'bind':
      return bound(kernel, task, policy);
    case 'prefmany': {
      const where = masked(kernel, task.nid, policy);
      const mems = task.process.memsAllowed?.nodes;
      if (!mems) return where;
      const first = where.first.filter((nid) => mems.includes(nid));
      return { ...where, first, second: fallbackFrom(kernel, task, task.nid).first };
    }
    case 'preferred':
      return fallbackFrom(kernel, task, policy.nodes[0]!);
    default:
      return fallbackFrom(kernel, task, task.nid);
  }
}

/** The fallback order of a node, within the task's cpuset (prepare_alloc_pages). */
export function fallbackFrom(kernel: Kernel, task: Task, nid: number): Placement {
  const mems = task.process.memsAllowed;
  return mems ? masked(kernel, nid, mems) : kernel.nodes[nid]!.firstPlacement;
}

/** policy_nodemask: nodes that the cpuset does not have drop out; a policy that names no other says nothing. */
function bound(kernel: Kernel, task: Task, policy: Policy): Placement {
  const where = masked(kernel, task.nid, policy);
  const mems = task.process.memsAllowed?.nodes;
  if (!mems || policy.nodes.every((nid) => mems.includes(nid))) return where;
  const first = where.first.filter((nid) => mems.includes(nid));
  return first.length === 0 ? fallbackFrom(kernel, task, task.nid) : { ...where, first };
}

/** The local order filtered by a policy's nodes; preferred-many has all nodes as its second pass. */
function masked(kernel: Kernel, nid: number, policy: Policy): Placement {
  const { maskedPlacements } = kernel.nodes[nid]!;
  let found = maskedPlacements.get(policy);
  if (!found) {
    const local = kernel.zonelists[nid]!;
    const second = policy.mode === 'prefmany' ? local : null;
    const first = local.filter((n) => policy.nodes.includes(n));
    found = { first, second, preferred: first[0] ?? -1 };
    maskedPlacements.set(policy, found);
  }
  return found;
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
    lanes.push(takePieces(kernel, task, fallbackFrom(kernel, task, nid), wanted, movable, counts));
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

/** Where the thread's own interleave counter stands in a round. */
export function rotorPosition(task: Task, policy: Policy, round: readonly number[]): number {
  if (policy.mode === 'winterleave' && task.ilWeight > 0) {
    const last = round.lastIndexOf(task.ilPrev);
    if (last >= 0) return last - task.ilWeight + 1;
  }
  return nextInRound(round, task.ilPrev);
}

/** mm/mempolicy.c:interleave_nodes and weighted_interleave_nodes: where the thread's counter stands after `count` pages. */
export function advanceRotor(
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

/** Takes frames along a placement, one pass after the other, and counts the allocation events (zone_statistics). */
export function takePieces(
  kernel: Kernel,
  task: Task,
  where: Placement,
  count: number,
  movable: boolean,
  isInterleave: boolean,
): Piece[] {
  const pieces = takeUncounted(kernel, where, count, mobilityOf(movable));
  for (const { nid, count: n } of pieces) {
    countEvents(kernel, task, nid, preferredOf(where, nid), n, isInterleave);
  }
  return pieces;
}

function takeUncounted(kernel: Kernel, where: Placement, count: number, mobility: Mobility): Piece[] {
  const pieces: Piece[] = [];
  const missing = takeAlong(kernel, where.first, count, mobility, pieces);
  if (missing > 0 && where.second) takeAlong(kernel, where.second, missing, mobility, pieces);
  return pieces;
}

/**
 * A pass along nodes: above the low watermark first, then above min (mm/page_alloc.c:get_page_from_freelist). The first pass of preferred-many
 * goes as far: only what frees memory for it is left out (mm/mempolicy.c:alloc_pages_preferred_many). Returns how many are missing.
 */
function takeAlong(
  kernel: Kernel,
  order: readonly number[],
  count: number,
  mobility: Mobility,
  pieces: Piece[],
): number {
  let missing = walk(kernel, order, count, mobility, 'low', pieces);
  while (missing > 0 && wakeKswapd(kernel, order, mobility === MOVABLE)) {
    missing = walk(kernel, order, missing, mobility, 'low', pieces);
  }
  return missing > 0 ? walk(kernel, order, missing, mobility, 'min', pieces) : 0;
}

/**
 * kswapd of nodes that an allocation has found below their low watermarks, as if it ran at once (mm/vmscan.c:balance_pgdat): it frees pages up
 * to the high watermark of the highest zone. Returns whether it freed any.
 */
function wakeKswapd(kernel: Kernel, order: readonly number[], movable: boolean): boolean {
  let freed = 0;
  for (const nid of order) {
    const node = kernel.nodes[nid]!;
    const zone = node.zones.find(({ name }) => movable || name !== 'Movable');
    if (!zone || node.isHopeless(kernel.swap.freePages)) continue;
    const got = kernel.reclaim({ memcg: null, nids: [nid], pages: zone.high - zone.freePages, by: 'kswapd' });
    if (got === 0) node.giveUp(kernel.swap.freePages);
    freed += got;
  }
  return freed > 0;
}

/**
 * Frames for kernel memory that could not be had above the watermarks, and that the caller can't do without: the OOM killer makes room; when
 * it can't, or has chosen the task itself, the reserves of all nodes are there to be used.
 */
export function takeReserves(kernel: Kernel, task: Task, count: number): Piece[] {
  const pieces: Piece[] = [];
  const order = kernel.zonelists[task.nid]!;
  const where = placementOf(kernel, task, task.policy);
  let missing = count;
  while (missing > 0 && outOfFrames(kernel, task, task.policy, 'kernel') === null) {
    const got = takeUncounted(kernel, where, missing, UNMOVABLE);
    missing -= got.reduce((sum, piece) => sum + piece.count, 0);
    pieces.push(...got);
  }
  if (missing > 0 && walk(kernel, order, missing, UNMOVABLE, null, pieces) > 0) {
    throw new KernelPanic('System is deadlocked on memory');
  }
  for (const piece of pieces) countEvents(kernel, task, piece.nid, order[0]!, piece.count, false);
  return pieces;
}

function walk(
  kernel: Kernel,
  order: readonly number[],
  count: number,
  mobility: Mobility,
  mark: 'low' | 'min' | null,
  pieces: Piece[],
): number {
  for (const nid of order) {
    for (const zone of kernel.nodes[nid]!.zones) {
      if (zone.name === 'Movable' && mobility !== MOVABLE) continue;
      let room = Math.min(count, zone.freePages - (mark === null ? 0 : zone[mark] + zone.reserve));
      while (room > 0) {
        const run = zone.takeRun(room, mobility);
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

/** gfp_migratetype of a request for user memory, or not. */
export const mobilityOf = (movable: boolean): Mobility => (movable ? MOVABLE : UNMOVABLE);

/** Gives frames back to their zone. */
export function freeFrames(kernel: Kernel, pfn: number, count: number): void {
  zoneOf(kernel, pfn).free(pfn, count);
}

/** The zone of a frame. */
export function zoneOf(kernel: Kernel, pfn: number): Zone {
  for (const zone of kernel.nodes[kernel.nidOf(pfn)]!.zones) if (pfn >= zone.startPfn) return zone;
  throw new Error(`frame ${pfn} is in no zone`);
}
