import { PAGE_SIZE } from '../units/pages.ts';
import { Zone, type ZoneConfig, type ZoneName } from './zone.ts';

const FOUR_GIB = 2 ** 32;

/** A node as its zones are made from it. */
export interface ZonedNode {
  /** Absent: none. */
  cpus?: readonly number[];
  memoryBytes: number;
  movableBytes: number;
  /** Its zones where they are known, as a machine's own /proc/zoneinfo shows them. */
  zones?: readonly ZoneConfig[] | undefined;
}

/**
 * Zones of all nodes in physical order. Memory below 4 GiB is DMA and DMA32; where a machine has only `belowFourGib` bytes there, what
 * follows lies above the hole for devices.
 */
export function buildZones(nodes: readonly ZonedNode[], belowFourGib: number = FOUR_GIB): Zone[] {
  const dmaEnd = (16 * 2 ** 20) / PAGE_SIZE;
  const dma32End = FOUR_GIB / PAGE_SIZE;
  const holeStart = Math.min(dma32End, Math.floor(belowFourGib / PAGE_SIZE));
  const zones: Zone[] = [];
  let pfn = 0;
  nodes.forEach((node, nid) => {
    if (node.zones) {
      for (const zone of node.zones) zones.push(new Zone({ ...zone, nid }));
      return;
    }
    const cut = (name: ZoneName, from: number, to: number): void => {
      if (to > from) zones.push(new Zone({ nid, name, startPfn: from, pages: to - from }));
    };
    const place = (from: number, pages: number, movable: number): void => {
      const end = from + pages;
      const movableStart = end - movable;
      cut('DMA', from, Math.min(movableStart, dmaEnd));
      cut('DMA32', Math.max(from, dmaEnd), Math.min(movableStart, dma32End));
      cut('Normal', Math.max(from, dma32End), movableStart);
      cut('Movable', movableStart, end);
      // Nodes start at a 4 MiB border, so that no buddy spans two of them.
      pfn = Math.ceil(end / 1024) * 1024;
    };
    const pages = Math.floor(node.memoryBytes / PAGE_SIZE);
    const movable = Math.floor(node.movableBytes / PAGE_SIZE);
    if (holeStart < dma32End && pfn < holeStart && pfn + pages > holeStart) {
      const below = holeStart - pfn;
      const above = pages - below;
      place(pfn, below, Math.max(0, movable - above));
      place(dma32End, above, Math.min(movable, above));
      return;
    }
    if (holeStart < dma32End && pfn >= holeStart) pfn = Math.max(pfn, dma32End);
    place(pfn, pages, movable);
  });
  setWatermarks(zones);
  for (const zone of zones) {
    const cpus = nodes[zone.nid]!.cpus?.length ?? 0;
    // pageset_set_high_and_batch: the CPUs of a node share its low watermark. Lists of other nodes' zones are drained soon.
    zone.parkLimit = cpus === 0 ? 0 : Math.floor(zone.low / cpus);
  }
  return zones;
}

/** mm/page_alloc.c:setup_per_zone_lowmem_reserve for a request that may use Normal: 1/256 of the node's higher zones. */
function lowmemReserve(zone: Zone, zones: readonly Zone[]): number {
  if (zone.name !== 'DMA' && zone.name !== 'DMA32') return 0;
  const above = zones.filter((z) => z.nid === zone.nid && z.startPfn > zone.startPfn && z.name !== 'Movable');
  return Math.floor(above.reduce((sum, z) => sum + z.pages, 0) / 256);
}

/** mm/khugepaged.c:set_recommended_min_free_kbytes and mm/page_alloc.c:__setup_per_zone_wmarks, 6.12; at boot and after hotplug. */
export function setWatermarks(zones: readonly Zone[]): void {
  const low = zones.filter((zone) => zone.name !== 'Movable' && zone.pages > 0);
  const lowPages = low.reduce((sum, zone) => sum + zone.pages, 0);
  const base = Math.min(Math.max(Math.floor(Math.sqrt(lowPages * 4 * 16)), 128), 262_144) / 4;
  const recommended = Math.min(512 * low.length * (2 + 9), Math.floor(lowPages / 20));
  const minPages = Math.max(base, recommended);
  for (const zone of zones) {
    const share = Math.floor((minPages * zone.pages) / Math.max(1, lowPages));
    zone.min = zone.name === 'Movable' ? Math.min(128, Math.max(32, Math.floor(zone.pages / 1024))) : share;
    const gap = Math.max(Math.floor(share / 4), Math.floor(zone.pages / 1000));
    zone.low = zone.min + gap;
    zone.high = zone.low + gap;
  }
  for (const zone of zones) zone.reserve = lowmemReserve(zone, zones);
}
