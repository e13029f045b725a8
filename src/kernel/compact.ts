import type { FolioClass } from './folio-class.ts';
import { frameUses, UseSweep } from './frame-uses.ts';
import { FreeScanner } from './free-scanner.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Move } from './migrate.ts';
import { mayTake, movableFrames, relocate } from './relocate.ts';
import type { Zone } from './zone.ts';

const PAGEBLOCK = 512;

/** Free blocks that a compaction is for; null: none, the whole zone is gone through. */
export interface CompactGoal {
  order: number;
  blocks: number;
}

/**
 * mm/compaction.c:isolate_migratepages_block: single folios of user memory, unevictable ones where the sysctl allows it. Inaccessible mappings
 * (gmem, unless a design says otherwise), huge folios and kernel memory stay.
 */
const isCompactable =
  (kernel: Kernel) =>
  ({ kind, order, mlocked, inode }: FolioClass): boolean => {
    const isUnevictable = mlocked || kind === 'gmem';
    return order === 0 && mayTake(kernel, kind, inode) && (!isUnevictable || kernel.compactUnevictable);
  };

/**
 * mm/compaction.c:compact_zone in synchronous mode: from the zone's bottom pageblock upwards folios move into free frames of movable
 * pageblocks, from the zone's top downwards, until the two meet, or until the goal is reached. Returns how many
 * such blocks are free now. Simplified: a pageblock is gone through as a whole, the scanners begin anew each time, and the free scanner misses
 * no hole (after blocks without any, Linux looks at every second frame, then at every fourth, and may find none of a checkerboard).
 */
export function compactZone(kernel: Kernel, zone: Zone, goal: CompactGoal | null): number {
  const end = zone.startPfn + zone.spannedPages;
  const sweep = new UseSweep(frameUses(kernel, zone.startPfn, zone.spannedPages));
  const free = new FreeScanner({ zone });
  let found = goal ? zone.freeBlocks(goal.order) : 0;
  let moved = 0;
  const request = { mode: goal ? 'sync-light' : 'sync', reason: 'compaction' } as const;
  let at = Math.floor(zone.startPfn / PAGEBLOCK);
  for (; goal === null || found < goal.blocks; at++) {
    const next = sweep.nextFrom(at * PAGEBLOCK);
    at = Math.floor(Math.min(next, end) / PAGEBLOCK);
    if (next >= end || at >= free.position) break;
    const start = at * PAGEBLOCK;
    const uses = sweep.within(start, start + PAGEBLOCK);
    const moves: Move[] = [];
    for (const source of movableFrames(kernel, uses, isCompactable(kernel))) {
      for (let done = 0; done < source.count;) {
        const target = free.take(source.count - done, at);
        if (!target) break;
        moves.push({ from: source.start + done, to: target.start, count: target.count });
        done += target.count;
      }
    }
    const gone = relocate(kernel, uses, moves, request, (pfn, count) => free.giveBack(pfn, count));
    const [wanted, went] = [pagesOf(moves), pagesOf(gone)];
    if (went < wanted) kernel.event('pgmigrate_fail', wanted - went);
    if (goal && gone.length > 0) {
      // What was freed may merge (drain_local_pages at the border of a block); the first time all that had waited.
      const hadWaited = moved === 0;
      zone.drain();
      if (hadWaited || goal.order !== 9) found = zone.freeBlocks(goal.order);
      else if (zone.freeRuns(start, PAGEBLOCK)[0]?.count === PAGEBLOCK) found++;
    }
    moved += went;
  }
  free.release();
  const met = Math.min(at, free.position) * PAGEBLOCK;
  tellPassed(kernel, zone.startPfn, Math.min(met, end) - zone.startPfn);
  kernel.event('compact_migrate_scanned', Math.min(met - zone.startPfn, zone.presentPages));
  kernel.event('compact_free_scanned', free.visited * PAGEBLOCK);
  kernel.event('compact_isolated', 2 * moved);
  return found;
}

/** Private pages below the place where the scanners met that compaction may not take. */
function tellPassed(kernel: Kernel, start: number, count: number): void {
  const passed = new Map<Inode, number>();
  kernel.frames.forEach(start, count, (_pfn, n, id) => {
    const { inode, kind } = kernel.classes.get(id);
    if (kind !== 'gmem' || !inode || mayTake(kernel, kind, inode)) return;
    passed.set(inode, (passed.get(inode) ?? 0) + n);
  });
  for (const [inode, pages] of passed) {
    kernel.gmemMigrated({ inode, reason: 'compaction', moved: 0, failed: 0, passed: pages, errno: 0 });
  }
}

const pagesOf = (moves: readonly Move[]): number => moves.reduce((sum, { count }) => sum + count, 0);

/** Compacts all zones of a node (compact_node: /sys/devices/system/node/nodeN/compact). */
export function compactNode(kernel: Kernel, nid: number): void {
  for (const zone of kernel.nodes[nid]!.zones.toReversed()) {
    if (zone.pages > 0) compactZone(kernel, zone, null);
  }
}

/** Compacts all nodes (compact_nodes: /proc/sys/vm/compact_memory). */
export function compactMemory(kernel: Kernel): void {
  for (const { nid, pages } of kernel.nodes) if (pages > 0) compactNode(kernel, nid);
}
