import type { Kernel } from './kernel.ts';
import type { Zone } from './zone.ts';

/** Frames of a memory block: 128 MiB (MIN_MEMORY_BLOCK_SIZE; machines with 64 GiB and more may have larger ones, which the model has not). */
export const BLOCK_PAGES = 32_768;

/** Whether /sys/devices/system/memory has a block. */
export function blockExists(kernel: Kernel, block: number): boolean {
  if (kernel.offlineBlocks.has(block)) return true;
  return kernel.zones.some((zone) => zone.intersects(block * BLOCK_PAGES, BLOCK_PAGES));
}

/** Numbers of a node's memory blocks, ascending, offline ones included. */
export function blocksOfNode(kernel: Kernel, nid: number): number[] {
  const blocks = new Set<number>();
  for (const block of kernel.offlineBlocks) if (kernel.nidOf(block * BLOCK_PAGES) === nid) blocks.add(block);
  for (const zone of kernel.nodes[nid]?.zones ?? []) {
    if (zone.spannedPages === 0) continue;
    const last = Math.ceil((zone.startPfn + zone.spannedPages) / BLOCK_PAGES);
    for (let block = Math.floor(zone.startPfn / BLOCK_PAGES); block < last; block++) blocks.add(block);
  }
  return [...blocks].sort((a, b) => a - b);
}

/** The zone that a whole online block belongs to (test_pages_in_a_zone); null where it spans several or has holes. */
export function soleZone(kernel: Kernel, start: number): Zone | null {
  return (
    kernel.zones.find(
      (zone) =>
        zone.startPfn <= start && start + BLOCK_PAGES <= Math.floor(zone.startPfn) + zone.spannedPages,
    ) ?? null
  );
}

/**
 * mm/memory_hotplug.c:default_zone_for_pfn: the movable zone for a block within its span, a kernel zone for every other. A block at the
 * movable zone's end that went offline comes back to the kernel.
 */
export function onlineZone(kernel: Kernel, block: number): Zone {
  const start = block * BLOCK_PAGES;
  const ascending = kernel.nodes[kernel.nidOf(start)]!.zones.toReversed();
  const movable = ascending.find(({ name }) => name === 'Movable');
  const low = ascending.filter(({ name }) => name !== 'Movable');
  const within = low.find((zone) => zone.intersects(start, BLOCK_PAGES));
  const isMovable = movable?.intersects(start, BLOCK_PAGES) === true;
  const found = isMovable && !within ? movable : (within ?? low[low.length - 1] ?? movable);
  if (!found) throw new Error(`memory block ${block} is of a node without zones`);
  return found;
}
