import type { Errno } from '../units/errno.ts';
import { resetMinFree } from './watermarks.ts';
import type { FolioClass } from './folio-class.ts';
import { frameUses } from './frame-uses.ts';
import type { Kernel } from './kernel.ts';
import { BLOCK_PAGES, blockExists, onlineZone, soleZone } from './memory-blocks.ts';
import type { Move } from './migrate.ts';
import { isMovable, takePieces } from './page-allocator.ts';
import { along } from './placement.ts';
import { mayTake, movableFrames, relocate } from './relocate.ts';
import { relocateHuge } from './relocate-huge.ts';
import type { Task } from './task.ts';
import type { Zone } from './zone.ts';

/**
 * Writes "offline" to a memory block (mm/memory_hotplug.c:offline_pages). Kernel memory in it makes it fail at once (EBUSY). User memory
 * moves to other nodes, or within this one where it is the only one. What can't move is tried again and again until the caller is
 * interrupted: EINTR here, with what could move moved. Simplified: hugetlb pages fail it, where Linux moves or dissolves them.
 */
export function offlineBlock(kernel: Kernel, task: Task, block: number): Errno | 0 {
  const start = block * BLOCK_PAGES;
  if (!blockExists(kernel, block)) return 'ENOENT';
  const zone = kernel.offlineBlocks.has(block) ? null : soleZone(kernel, start);
  if (!zone) return 'EINVAL';
  const free = zone.isolate(start, BLOCK_PAGES);
  const retired = kernel.poisoned.countIn(start, BLOCK_PAGES);
  if (free + retired + lruFrames(kernel, start) < BLOCK_PAGES) {
    zone.unisolate();
    return 'EBUSY';
  }
  if (free + retired < BLOCK_PAGES) evacuate(kernel, task, zone, start);
  if (lruFrames(kernel, start) > 0) {
    zone.unisolate();
    return 'EINTR';
  }
  // What had been retired before goes along.
  for (const run of kernel.poisoned.runs(start, BLOCK_PAGES)) zone.free(run.start, run.count);
  kernel.poisoned.remove(start, BLOCK_PAGES);
  zone.offlineIsolated();
  kernel.offlineBlocks.add(block);
  kernel.offlined[zone.nid]! += 1;
  resetMinFree(kernel);
  return 0;
}

/** Writes "online" to a memory block (mm/memory_hotplug.c:online_pages). */
export function onlineBlock(kernel: Kernel, block: number): Errno | 0 {
  if (!blockExists(kernel, block)) return 'ENOENT';
  if (!kernel.offlineBlocks.delete(block)) return 'EINVAL';
  onlineZone(kernel, block).online(block * BLOCK_PAGES, BLOCK_PAGES);
  resetMinFree(kernel);
  return 0;
}

/** Frames on LRU lists: has_unmovable_pages takes all of them for movable, gmem too. */
function lruFrames(kernel: Kernel, start: number): number {
  let sum = 0;
  kernel.frames.forEach(start, BLOCK_PAGES, (_pfn, count, id) => {
    const { kind } = kernel.classes.get(id);
    if (isMovable(kernel, kind) || kind === 'gmem') sum += count;
  });
  return sum;
}

const REQUEST = { mode: 'sync', reason: 'memory-hotplug' } as const;

/** mm/memory_hotplug.c:do_migrate_range: one pass over the block's pages. A gmem that may not move, or whose pages refuse to, fails it. */
function evacuate(kernel: Kernel, task: Task, zone: Zone, start: number): void {
  const { nid } = zone;
  const others = kernel.zonelists[nid]!.filter((other) => other !== nid && kernel.nodes[other]!.pages > 0);
  const where = along(others.length > 0 ? others : [nid]);
  const isSmall = ({ kind, order, inode }: FolioClass): boolean =>
    mayTake(kernel, kind, inode) && order === 0;
  const isHuge = ({ kind, order, inode }: FolioClass): boolean => mayTake(kernel, kind, inode) && order > 0;
  const huge = frameUses(kernel, start, BLOCK_PAGES);
  for (const source of movableFrames(kernel, huge, isHuge)) {
    relocateHuge(kernel, task, huge, source, where.first, REQUEST);
  }
  const uses = frameUses(kernel, start, BLOCK_PAGES);
  const moves: Move[] = [];
  for (const source of movableFrames(kernel, uses, isSmall)) {
    let from = source.start;
    for (const { pfn, count } of takePieces(kernel, task, where, source.count, true, false)) {
      moves.push({ from, to: pfn, count });
      from += count;
    }
  }
  relocate(kernel, uses, moves, REQUEST);
  const stuck = lruFrames(kernel, start);
  if (stuck > 0) kernel.event('pgmigrate_fail', stuck);
  kernel.frames.forEach(start, BLOCK_PAGES, (_pfn, count, id) => {
    const { kind, inode } = kernel.classes.get(id);
    if (kind !== 'gmem' || !inode || kernel.hooks.mayMigrate(inode)) return;
    kernel.gmemMigrated({ inode, reason: REQUEST.reason, moved: 0, failed: count, errno: 'EOPNOTSUPP' });
  });
}
