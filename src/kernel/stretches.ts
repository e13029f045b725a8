import type { FolioClass } from './folio-class.ts';
import type { Kernel } from './kernel.ts';
import { forEachLane } from './page-allocator.ts';
import type { PfnVisitor } from './pfn-map.ts';

/** Visits pages and their frames, as PfnMap.forEach does for a range. */
export type Walk = (visit: PfnVisitor) => void;

/** Consecutive pages whose frames are alike. */
export interface Stretch {
  at: number;
  count: number;
  period: number;
  lanes: readonly number[];
  folioClass: FolioClass;
  maps: number;
}

/**
 * Cuts what `walk` visits into stretches whose frames are alike. Interleaved pages stay together where all are; else, and where the swap
 * cache has them one by one, they come one by one.
 */
export function stretchesOf(kernel: Kernel, walk: Walk): Stretch[] {
  const out: Stretch[] = [];
  walk((at, count, period, lanes) => {
    const found: { pfn: number; pages: number; id: number; maps: number }[] = [];
    forEachLane(count, period, lanes, (pfn, n) => {
      kernel.frames.forEach(pfn, n, (start, pages, id, maps) => found.push({ pfn: start, pages, id, maps }));
    });
    const classOf = (id: number): FolioClass => kernel.classes.get(id);
    if (period === 1) {
      for (const { pfn, pages, id, maps } of found) {
        out.push({
          at: at + pfn - lanes[0]!,
          count: pages,
          period,
          lanes: [pfn],
          folioClass: classOf(id),
          maps,
        });
      }
      return;
    }
    const { id, maps } = found[0]!;
    if (kernel.swap.slotOf.size === 0 && found.every((one) => one.id === id && one.maps === maps)) {
      out.push({ at, count, period, lanes: [...lanes], folioClass: classOf(id), maps });
      return;
    }
    for (let k = 0; k < count; k++) {
      const pfn = lanes[k % period]! + Math.floor(k / period);
      const folioClass = classOf(kernel.frames.classOf(pfn));
      out.push({
        at: at + k,
        count: 1,
        period: 1,
        lanes: [pfn],
        folioClass,
        maps: kernel.frames.mapCountOf(pfn),
      });
    }
  });
  return out;
}

/** What lies between runs of frames. */
export function gapsBetween(
  pfn: number,
  count: number,
  runs: readonly { pfn: number; count: number }[],
): { pfn: number; count: number }[] {
  const out: { pfn: number; count: number }[] = [];
  let at = pfn;
  for (const run of runs) {
    if (run.pfn > at) out.push({ pfn: at, count: run.pfn - at });
    at = run.pfn + run.count;
  }
  if (at < pfn + count) out.push({ pfn: at, count: pfn + count - at });
  return out;
}

/** Pages [offset, offset + count) of a stretch. */
export function partOf(stretch: Stretch, offset: number, count: number): Stretch {
  const width = Math.min(stretch.period, count);
  const lanes = Array.from({ length: width }, (_, l) => {
    const k = offset + l;
    return stretch.lanes[k % stretch.period]! + Math.floor(k / stretch.period);
  });
  return { ...stretch, at: stretch.at + offset, count, period: width, lanes };
}
