import type { NodeFacts } from './facts.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/** Counters that the facts keep in base pages and that vmstat and zoneinfo print in huge pages of 2 MiB. */
const PRINTED_IN_PMDS: ReadonlySet<string> = new Set([
  'nr_anon_transparent_hugepages',
  'nr_shmem_hugepages',
  'nr_shmem_pmdmapped',
  'nr_file_hugepages',
  'nr_file_pmdmapped',
]);

/** The numa_* events of vmstat and what nodeN/numastat calls them, in vmstat's order. */
export const NUMA_EVENT_NAMES: readonly (readonly [string, keyof NodeFacts['numastat']])[] = [
  ['numa_hit', 'numa_hit'],
  ['numa_miss', 'numa_miss'],
  ['numa_foreign', 'numa_foreign'],
  ['numa_interleave', 'interleave_hit'],
  ['numa_local', 'local_node'],
  ['numa_other', 'other_node'],
];

/** Free pages of a node. */
export function nodeFreePages(node: NodeFacts): number {
  return node.zones.reduce((sum, zone) => sum + zone.freePages, 0);
}

/** Free pages that sit in free blocks of at least a pageblock. */
export function freePagesInBlocks(freeByOrder: readonly number[]): number {
  return freeByOrder.reduce(
    (sum, blocks, order) => (2 ** order >= PAGES_PER_PMD ? sum + blocks * 2 ** order : sum),
    0,
  );
}

/**
 * A counter of a node in base pages, wherever the facts keep it: among the node's, or summed over its zones.
 * nr_zone_* without any zone saying so falls back to the node counter of that LRU list.
 */
export function nodeCounter(node: NodeFacts, name: string): number {
  if (name === 'nr_free_pages') return nodeFreePages(node);
  if (name === 'nr_free_pages_blocks')
    return node.zones.reduce((sum, zone) => sum + freePagesInBlocks(zone.freeByOrder), 0);
  let inZones: number | undefined;
  for (const { counters } of node.zones) {
    const value = counters[name];
    if (value !== undefined) inZones = (inZones ?? 0) + value;
  }
  const value = inZones ?? node.counters[name];
  if (value !== undefined) return value;
  return name.startsWith('nr_zone_') ? (node.counters[name.replace('nr_zone_', 'nr_')] ?? 0) : 0;
}

/** A counter summed over nodes, in base pages. */
export function systemCounter(nodes: readonly NodeFacts[], name: string): number {
  let sum = 0;
  for (const node of nodes) sum += nodeCounter(node, name);
  return sum;
}

/** The value that vmstat and zoneinfo print for a counter kept in base pages. */
export function asPrinted(name: string, pages: number): number {
  return PRINTED_IN_PMDS.has(name) ? Math.floor(pages / PAGES_PER_PMD) : pages;
}

/** CPUs of the machine: one more than the highest that a node lists. */
export function cpuCount(nodes: readonly NodeFacts[]): number {
  const numbers = nodes.flatMap((node) => node.cpulist.split(/[-,]/)).filter((part) => part !== '');
  return numbers.reduce((count, part) => Math.max(count, Number(part) + 1), 0);
}
