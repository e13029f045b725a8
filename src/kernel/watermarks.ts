import type { Kernel } from './kernel.ts';
import type { Zone } from './zone.ts';

/** vm.min_free_kbytes and vm.watermark_scale_factor, in pages and in ten thousandths of a zone. */
export interface Watermarks {
  minFree: number;
  /** What root has set, which only what is more replaces; -1 where nobody has. */
  ownMinFree: number;
  scale: number;
}

/** What of a kernel has to do with watermarks. */
type Marked = Pick<Kernel, 'zones' | 'nodes' | 'thp' | 'watermarks' | 'profile'>;

/** Before a kernel has set any. */
export const freshWatermarks = (): Watermarks => ({ minFree: 0, ownMinFree: -1, scale: 10 });

/** At boot and after hotplug (mm/page_alloc.c:init_per_zone_wmark_min, mm/khugepaged.c:khugepaged_min_free_kbytes_update). */
export function resetMinFree(kernel: Marked): void {
  calculateMinFree(kernel);
  recommendMinFree(kernel);
}

/**
 * Raises what is kept free to what keeps pageblocks of one kind, where there may be huge pages, and sets the watermarks
 * (mm/khugepaged.c:set_recommended_min_free_kbytes): also when huge pages are switched on or off.
 */
export function recommendMinFree(kernel: Marked): void {
  const { watermarks } = kernel;
  const low = lowZones(kernel);
  const recommended = Math.min(512 * low.length * (2 + 9), Math.floor(pagesIn(low) / 20));
  if (mayBeHuge(kernel)) watermarks.minFree = Math.max(watermarks.minFree, recommended);
  else calculateMinFree(kernel);
  setWatermarks(kernel);
}

/** mm/khugepaged.c:hugepage_pmd_enabled; 6.12 does not ask about tmpfs. */
const mayBeHuge = ({ thp, profile }: Marked): boolean =>
  thp.enabled !== 'never' || (profile.shmemThpKeepsFree && thp.shmem !== 'never' && thp.shmem !== 'deny');

/** mm/page_alloc.c:calculate_min_free_kbytes: by the square root of what lies above the high watermarks, unless root has set more. */
function calculateMinFree(kernel: Marked): void {
  const { watermarks } = kernel;
  const free = lowZones(kernel).reduce((sum, { pages, high }) => sum + Math.max(0, pages - high), 0);
  const kb = Math.floor(Math.sqrt(free * 4 * 16));
  if (kb / 4 > watermarks.ownMinFree) {
    watermarks.minFree = Math.floor(Math.min(Math.max(kb, 128), 262_144) / 4);
  }
}

const lowZones = ({ zones }: Marked): Zone[] =>
  zones.filter(({ name, pages }) => name !== 'Movable' && pages > 0);
const pagesIn = (zones: readonly Zone[]): number => zones.reduce((sum, { pages }) => sum + pages, 0);

/** mm/page_alloc.c:__setup_per_zone_wmarks, and what each CPU may keep of a zone (zone_pcp_update). */
export function setWatermarks(kernel: Marked): void {
  const { zones, nodes, watermarks } = kernel;
  const { minFree, scale } = watermarks;
  const lowPages = pagesIn(lowZones(kernel));
  for (const zone of zones) {
    const share = Math.floor((minFree * zone.pages) / Math.max(1, lowPages));
    zone.min = zone.name === 'Movable' ? Math.min(128, Math.max(32, Math.floor(zone.pages / 1024))) : share;
    const gap = Math.max(Math.floor(share / 4), Math.floor((zone.pages * scale) / 10_000));
    zone.low = zone.min + gap;
    zone.high = zone.low + gap;
    zone.reserve = lowmemReserve(zone, zones);
    const cpus = nodes[zone.nid]!.cpus.length;
    // zone_highsize: the CPUs of a node share its low watermark. Lists of other nodes' zones are drained soon.
    zone.parkLimit = cpus === 0 ? 0 : Math.floor(zone.low / cpus);
  }
}

/** mm/page_alloc.c:setup_per_zone_lowmem_reserve for a request that may use Normal: 1/256 of the node's higher zones. */
function lowmemReserve(zone: Zone, zones: readonly Zone[]): number {
  if (zone.name !== 'DMA' && zone.name !== 'DMA32') return 0;
  const above = zones.filter((z) => z.nid === zone.nid && z.startPfn > zone.startPfn && z.name !== 'Movable');
  return Math.floor(above.reduce((sum, z) => sum + z.pages, 0) / 256);
}
