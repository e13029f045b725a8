import type { Kernel } from '../kernel/kernel.ts';
import { RECLAIMABLE, UNMOVABLE, type Zone } from '../kernel/zone.ts';
import type { MachineZone } from '../scenario/types.ts';

/** Blocks of this order and more are what boot left alone. */
const PAGEBLOCK_ORDER = 9;

/**
 * Enters memory that booting took and keeps on a node whose zones are known, in pages: at the bottom of the highest zone that kernel memory
 * may come from, in unmovable pageblocks, with holes such that the zone's free blocks below a pageblock are those that the machine showed.
 * Returns how many pages found no room.
 */
export function placeBootMemory(
  kernel: Kernel,
  nid: number,
  pages: number,
  described: readonly MachineZone[],
): number {
  let missing = pages;
  for (const zone of kernel.nodes[nid]!.zones) {
    if (zone.name === 'Movable') continue;
    const count = Math.min(missing, zone.freePages);
    const freeByOrder = described.find(({ name }) => name === zone.name)?.freeByOrder ?? [];
    if (count > 0) lay(kernel, zone, count, freeByOrder);
    missing -= count;
  }
  return missing;
}

/** Used frames and free ones in turn, buddy beside buddy and large before small, then the rest of what is used. */
function lay(kernel: Kernel, zone: Zone, count: number, freeByOrder: readonly number[]): void {
  const kernelClass = kernel.classes.of('kernel', null, kernel.rootMemcg, '', false).id;
  const start = zone.startPfn;
  let at = start;
  let missing = count;
  const use = (n: number): void => {
    zone.takeAt(at, n);
    kernel.frames.allocate(at, n, kernelClass);
    at += n;
    missing -= n;
  };
  const top = 2 ** PAGEBLOCK_ORDER;
  const isAligned = start % top === 0 && start + 2 * count <= start + zone.pages;
  for (let order = PAGEBLOCK_ORDER - 1; isAligned && order >= 0; order--) {
    const size = 2 ** order;
    const blocks = freeByOrder[order] ?? 0;
    // More holes than boot memory can hold apart come of what happened since.
    if (blocks * size > missing) continue;
    for (let k = 0; k < blocks; k++) {
      use(size);
      at += size;
    }
  }
  if (missing > 0) use(missing);
  zone.setMobility(start, at - start, UNMOVABLE);
  // What boot left of its last pageblock serves slabs that can be shrunk.
  if (at % top > 0) zone.setMobility(at - 1, 1, RECLAIMABLE);
}
