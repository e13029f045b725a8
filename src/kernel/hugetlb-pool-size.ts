import { compactForOrder } from './direct-compaction.ts';
import { HUGE_ORDER } from './huge-frames.ts';
import { addFresh, dropFree, inTurns, memoryNodes, roomOf } from './hugetlb-buddy.ts';
import type { PoolNode } from './hugetlb-pool.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';

/**
 * Writes nr_hugepages, of the machine or of one node (mm/hugetlb.c:set_max_huge_pages). Nodes take turns, those that have no room are
 * passed over; memory is compacted once where that does not suffice. A pool smaller than what is in use and reserved keeps such pages as
 * surplus. No page is reclaimed to make room.
 */
export function resizePool(kernel: Kernel, task: Task, pages: number, nid: number | null): void {
  const pool = kernel.hugetlb;
  const nodes = nid === null ? memoryNodes(kernel) : [nid];
  const persistent = (): number => pool.total - pool.surplus;
  const of = (at: number): PoolNode => pool.nodes[at]!;
  const wanted = nid === null ? pages : pages + persistent() - (of(nid).total - of(nid).surplus);
  // Surplus pages become part of the pool before new ones are made.
  pool.nextToAllocate = inTurns(nodes, pool.nextToAllocate, wanted - persistent(), {
    room: (at) => of(at).surplus,
    take: (at, n) => (of(at).surplus -= n),
  });
  const grow = (): void => {
    pool.nextToAllocate = inTurns(nodes, pool.nextToAllocate, wanted - persistent(), {
      room: (at) => roomOf(kernel, at),
      take: (at, n) => addFresh(kernel, task, at, n),
    });
  };
  grow();
  if (persistent() < wanted) {
    const share = Math.ceil((wanted - persistent()) / nodes.length);
    for (const at of nodes) {
      compactForOrder(kernel, { nids: [at], order: HUGE_ORDER, blocks: share, movable: true });
    }
    grow();
  }
  // What is in use or promised stays.
  const floor = Math.max(wanted, pool.reserved + pool.total - pool.free);
  pool.nextToFree = inTurns(nodes, pool.nextToFree, persistent() - floor, {
    room: (at) => of(at).free.size,
    take: (at, n) => dropFree(kernel, at, n),
  });
  pool.nextToFree = inTurns(nodes, pool.nextToFree, persistent() - wanted, {
    room: (at) => of(at).total - of(at).surplus,
    take: (at, n) => (of(at).surplus += n),
  });
}
