import { PAGES_PER_PMD } from '../units/pages.ts';
import { HUGE_ORDER } from './huge-frames.ts';
import { poolClass, returnToBuddy } from './hugetlb-pool.ts';
import type { Kernel } from './kernel.ts';
import { countEvents } from './page-allocator.ts';
import { takeTurns } from './round-robin.ts';
import type { Task } from './task.ts';
import type { Zone } from './zone.ts';

/** Takes pages of a node from the buddy allocator into the pool's free list; fewer where they are not there. Returns how many. */
export function addFresh(kernel: Kernel, task: Task, nid: number, count: number): number {
  const node = kernel.hugetlb.nodes[nid]!;
  const fresh = poolClass(kernel, false);
  let missing = count;
  for (const zone of kernel.nodes[nid]!.zones) {
    const room = Math.min(missing, zoneRoom(zone));
    if (room === 0) continue;
    for (const { pfn, blocks } of zone.takeBlocks(HUGE_ORDER, room)) {
      kernel.frames.allocate(pfn, blocks * PAGES_PER_PMD, fresh);
      node.free.add(pfn / PAGES_PER_PMD, blocks);
      node.total += blocks;
      missing -= blocks;
    }
  }
  countEvents(kernel, task, nid, nid, count - missing, false);
  kernel.event('htlb_buddy_alloc_success', count - missing);
  return count - missing;
}

/** Gives free pages of a node back to the buddy allocator; there are that many. */
export function dropFree(kernel: Kernel, nid: number, count: number): void {
  const { free } = kernel.hugetlb.nodes[nid]!;
  for (let left = count; left > 0;) {
    const run = free.take(left)!;
    returnToBuddy(kernel, nid, run.start * PAGES_PER_PMD, run.count);
    left -= run.count;
  }
}

/**
 * Surplus pages from the buddy allocator, as long as overcommit allows (mm/hugetlb.c:alloc_surplus_hugetlb_folio), from the nodes in
 * order. They are free pages of the pool then. Returns how many there are.
 */
export function addSurplus(kernel: Kernel, task: Task, order: readonly number[], count: number): number {
  const pool = kernel.hugetlb;
  let missing = Math.min(count, pool.overcommit - pool.surplus);
  let got = 0;
  for (const nid of order) {
    if (missing <= 0) break;
    const n = addFresh(kernel, task, nid, Math.min(missing, roomOf(kernel, nid)));
    pool.nodes[nid]!.surplus += n;
    missing -= n;
    got += n;
  }
  return got;
}

/**
 * Lets up to `pages` surplus pages go that are free, from the nodes in turns: of promises that were not used as many as those
 * (mm/hugetlb.c:return_unused_surplus_pages).
 */
export function dropSurplus(kernel: Kernel, pages: number): void {
  const pool = kernel.hugetlb;
  pool.nextToFree = inTurns(memoryNodes(kernel), pool.nextToFree, Math.min(pages, pool.surplus), {
    room: (at) => Math.min(pool.nodes[at]!.surplus, pool.nodes[at]!.free.size),
    take: (at, n) => {
      pool.nodes[at]!.surplus -= n;
      dropFree(kernel, at, n);
    },
  });
}

/** Huge pages that a node can still give, above the min watermarks. */
export function roomOf(kernel: Kernel, nid: number): number {
  return kernel.nodes[nid]!.zones.reduce((sum, zone) => sum + zoneRoom(zone), 0);
}

function zoneRoom(zone: Zone): number {
  zone.drain();
  const above = zone.freePages - (PAGES_PER_PMD - 1) - zone.min - zone.reserve;
  if (above <= 0) return 0;
  const blocks = zone
    .freeByOrder()
    .reduce((sum, n, order) => (order < HUGE_ORDER ? sum : sum + n * 2 ** (order - HUGE_ORDER)), 0);
  return Math.min(blocks, Math.ceil(above / PAGES_PER_PMD));
}

/** Nodes that have memory. */
export const memoryNodes = (kernel: Kernel): number[] =>
  kernel.nodes.filter((node) => node.pages > 0).map((node) => node.nid);

/** Lets each node take what turns give it of `count`, beginning at `next` or the first one behind; returns the node that is next. */
export function inTurns(
  nodes: readonly number[],
  next: number,
  count: number,
  { room, take }: { room: (nid: number) => number; take: (nid: number, n: number) => void },
): number {
  if (count <= 0) return next;
  const rooms = nodes.map(room);
  if (rooms.every((one) => one === 0)) return next;
  const first = nodes.findIndex((nid) => nid >= next);
  const shares = takeTurns(count, rooms, Math.max(0, first));
  shares.amounts.forEach((n, at) => n > 0 && take(nodes[at]!, n));
  return nodes[shares.next]!;
}
