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
  return zones;
}
