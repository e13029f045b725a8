import { compactZone } from './compact.ts';
import type { Kernel } from './kernel.ts';
import type { Zone } from './zone.ts';

/** COMPACT_MAX_DEFER_SHIFT: 64 requests at most are turned away after a failure. */
const MAX_DEFER_SHIFT = 6;

/**
 * Makes room for blocks of an order on nodes, in their order (mm/compaction.c:try_to_compact_pages for a request that may wait). Returns
 * whether so many are free now in the zones that may be used; the caller takes them with Zone.takeBlock or takeBlocks.
 */
export function compactForOrder(
  kernel: Kernel,
  request: { nids: readonly number[]; order: number; blocks: number; movable: boolean },
): boolean {
  const { nids, order, blocks, movable } = request;
  const zones = nids
    .flatMap((nid) => kernel.nodes[nid]!.zones)
    .filter((zone) => zone.pages > 0 && (zone.name !== 'Movable' || movable));
  let missing = blocks - zones.reduce((sum, zone) => sum + zone.freeBlocks(order), 0);
  let wasTried = false;
  let isFound = missing <= 0;
  for (const zone of zones) {
    if (isFound) break;
    if (!isSuitable(zone, order) || isDeferred(zone)) continue;
    wasTried = true;
    const before = zone.freeBlocks(order);
    missing -= compactZone(kernel, zone, { order, blocks: before + missing }) - before;
    isFound = missing <= 0;
    zone.deferral = {
      considered: 0,
      shift: isFound ? 0 : Math.min(MAX_DEFER_SHIFT, zone.deferral.shift + 1),
    };
  }
  if (wasTried) {
    kernel.event('compact_stall', 1);
    kernel.event(isFound ? 'compact_success' : 'compact_fail', 1);
  }
  return isFound;
}

/** compaction_suitable: free frames for the targets above the mark. */
const isSuitable = (zone: Zone, order: number): boolean =>
  zone.freePages >= (order > 3 ? zone.low : zone.min) + 2 * 2 ** order;

/** compaction_deferred: after failures in a row, requests are turned away twice as often each time. */
function isDeferred({ deferral }: Zone): boolean {
  return deferral.shift > 0 && ++deferral.considered < 2 ** deferral.shift;
}
