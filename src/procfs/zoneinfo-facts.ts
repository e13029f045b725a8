import type { NodeFacts, ZoneFacts } from './facts.ts';
import type { Counters } from './key-values.ts';
import type { KernelLayout } from './kernel-layout.ts';
import { asPrinted, cpuCount, freePagesInBlocks, nodeCounter, NUMA_EVENT_NAMES } from './node-sums.ts';
import type { PopulatedZone, ZoneinfoZone } from './zoneinfo.ts';
import { parseList } from '../units/nodelist.ts';

/** Zones of x86-64, lowest first. zoneinfo lists all of them for every node, populated or not. */
const ZONE_NAMES: readonly string[] = ['DMA', 'DMA32', 'Normal', 'Movable', 'Device'];
/** vm.lowmem_reserve_ratio: a zone keeps back the pages of the zones above it divided by this; 0 keeps nothing. */
const RESERVE_RATIO: readonly number[] = [256, 256, 32, 0, 0];
const PAGES_PER_128_MIB = 32_768;
const MAX_THRESHOLD = 125;

/** Number of the highest set bit, counted from 1. */
const bitLength = (value: number): number => 32 - Math.clz32(value);

/** Pages by which a CPU's counters may be off before it updates the zone's. */
function statThreshold(cpus: number, managedPages: number): number {
  return Math.min(
    MAX_THRESHOLD,
    2 * bitLength(cpus) * (1 + bitLength(Math.floor(managedPages / PAGES_PER_128_MIB))),
  );
}

/** Pages that a CPU takes from the zone at a time. */
function batchSize(managedPages: number): number {
  const base = Math.max(1, Math.floor(Math.min(Math.floor(managedPages / 1024), 256) / 4));
  return Math.max(1, 2 ** (bitLength(base + Math.floor(base / 2)) - 1) - 1);
}

function lowmemReserve(managed: readonly number[], index: number): number[] {
  let above = 0;
  return managed.map((pages, other) => {
    if (other <= index) return 0;
    above += pages;
    const ratio = RESERVE_RATIO[index]!;
    return ratio === 0 || managed[index] === 0 ? 0 : Math.floor(above / ratio);
  });
}

function zoneCounters(
  zone: ZoneFacts,
  numa: Readonly<Record<string, number>>,
  layout: KernelLayout,
): Counters {
  const values: Record<string, number> = {
    ...zone.counters,
    nr_free_pages: zone.freePages,
    nr_free_pages_blocks: freePagesInBlocks(zone.freeByOrder),
    ...numa,
  };
  const names = [...layout.zoneItems, ...NUMA_EVENT_NAMES.map(([name]) => name)];
  return new Map(names.map((name) => [name, values[name] ?? 0]));
}

function populatedOf(
  zone: ZoneFacts,
  node: NodeFacts,
  isLast: boolean,
  cpus: number,
  layout: KernelLayout,
): PopulatedZone {
  const numa = isLast
    ? Object.fromEntries(NUMA_EVENT_NAMES.map(([name, event]) => [name, node.numastat[event]]))
    : {};
  const localCpus = (parseList(node.cpulist) ?? []).length || Math.max(1, cpus);
  const fields: Record<string, number> = {
    batch: batchSize(zone.managedPages),
    high_min: Math.floor(zone.lowPages / localCpus),
    high_max: Math.floor(zone.managedPages / 8 / localCpus),
  };
  return {
    counters: zoneCounters(zone, numa, layout),
    pagesets: Array.from({ length: cpus }, (_, cpu) => ({
      cpu,
      fields: new Map(layout.pagesetFields.map((name) => [name, fields[name] ?? 0])),
      threshold: statThreshold(cpus, zone.managedPages),
    })),
    tail: new Map(layout.zoneTail.map((name) => [name, name === 'start_pfn' ? zone.startPfn : 0])),
  };
}

function emptyZone(name: string): ZoneFacts {
  return {
    name,
    startPfn: 0,
    spannedPages: 0,
    presentPages: 0,
    managedPages: 0,
    freePages: 0,
    minPages: 0,
    lowPages: 0,
    highPages: 0,
    freeByOrder: [],
    counters: {},
  };
}

function zonesOf(node: NodeFacts, cpus: number, layout: KernelLayout): ZoneinfoZone[] {
  const zones = ZONE_NAMES.map((name) => node.zones.find((zone) => zone.name === name) ?? emptyZone(name));
  const managed = zones.map((zone) => zone.managedPages);
  const first = zones.findIndex((zone) => zone.presentPages > 0);
  const last = zones.findLastIndex((zone) => zone.presentPages > 0);
  return zones.map((zone, index) => ({
    nid: node.nid,
    name: zone.name,
    nodeStats:
      index === first
        ? new Map(layout.nodeItems.map((name) => [name, asPrinted(name, nodeCounter(node, name))]))
        : null,
    free: zone.freePages,
    limits: new Map([
      ['boost', 0],
      ['min', zone.minPages],
      ['low', zone.lowPages],
      ['high', zone.highPages],
      ['promo', 2 * zone.highPages - zone.lowPages],
      ['spanned', zone.spannedPages],
      ['present', zone.presentPages],
      ['managed', zone.managedPages],
      ['cma', 0],
    ]),
    protection: lowmemReserve(managed, index),
    populated: zone.presentPages > 0 ? populatedOf(zone, node, index === last, cpus, layout) : null,
  }));
}

/**
 * The zones of /proc/zoneinfo. The facts keep no per-CPU lists, so those are empty, and NUMA events only per node, so the
 * node's highest populated zone shows them all.
 */
export function zoneinfoOf(nodes: readonly NodeFacts[], layout: KernelLayout): ZoneinfoZone[] {
  return nodes.flatMap((node) => zonesOf(node, cpuCount(nodes), layout));
}
