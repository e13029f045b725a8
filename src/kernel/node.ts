import type { Policy } from './mempolicy.ts';
import { along, type Placement } from './placement.ts';
import { positions, StatColumns } from './stat-columns.ts';
import type { Zone } from './zone.ts';

/** Node counters by their vmstat names, in pages (nr_kernel_stack in kB). */
export const NODE_ITEMS = [
  'nr_file_pages',
  'nr_shmem',
  'nr_anon_pages',
  'nr_mapped',
  'nr_unevictable',
  'nr_mlock',
  'nr_active_anon',
  'nr_inactive_anon',
  'nr_active_file',
  'nr_inactive_file',
  'nr_page_table_pages',
  'nr_sec_page_table_pages',
  'nr_slab_reclaimable',
  'nr_slab_unreclaimable',
  'nr_kernel_stack',
  'nr_anon_transparent_hugepages',
  'nr_shmem_hugepages',
  'nr_shmem_pmdmapped',
  'nr_file_hugepages',
  'nr_swapcached',
] as const;
export type NodeItemName = (typeof NODE_ITEMS)[number];
export const NODE_ITEM: Readonly<Record<NodeItemName, number>> = positions(NODE_ITEMS);

export interface NumaCounters {
  numa_hit: number;
  numa_miss: number;
  numa_foreign: number;
  interleave_hit: number;
  local_node: number;
  other_node: number;
}

/** A NUMA node: zones, counters, allocation events (struct pglist_data). */
export class NumaNode {
  readonly nid: number;
  readonly cpus: readonly number[];
  readonly startPfn: number;
  /** Highest first, the order in which an allocation tries them. */
  readonly zones: readonly Zone[];
  /** Where a request that prefers this node looks: its fallback order. */
  readonly firstPlacement: Placement;
  /** The same, filtered by the nodes of a policy. */
  readonly maskedPlacements: WeakMap<Policy, Placement> = new WeakMap();
  readonly #stat: StatColumns<NodeItemName>;
  #futile = -1;
  readonly numa: NumaCounters = {
    numa_hit: 0,
    numa_miss: 0,
    numa_foreign: 0,
    interleave_hit: 0,
    local_node: 0,
    other_node: 0,
  };

  constructor(config: {
    nid: number;
    cpus: readonly number[];
    zones: readonly Zone[];
    zonelist: readonly number[];
  }) {
    this.firstPlacement = along(config.zonelist);
    this.nid = config.nid;
    this.#stat = new StatColumns({ owner: `node ${config.nid}`, names: NODE_ITEMS, nodes: 1 });
    this.cpus = config.cpus;
    const ascending = [...config.zones].sort((a, b) => a.startPfn - b.startPfn);
    this.zones = [...ascending].reverse();
    this.startPfn = ascending[0]?.startPfn ?? 0;
  }

  /** Managed frames. */
  get pages(): number {
    let sum = 0;
    for (const zone of this.zones) sum += zone.pages;
    return sum;
  }

  get freePages(): number {
    let sum = 0;
    for (const zone of this.zones) sum += zone.freePages;
    return sum;
  }

  /** mm/vmscan.c:kswapd_failures: kswapd found nothing here, and what it might find has not changed since. */
  isHopeless(freeSwap: number): boolean {
    return this.#futile === this.#reclaimable(freeSwap);
  }

  giveUp(freeSwap: number): void {
    this.#futile = this.#reclaimable(freeSwap);
  }

  /** Pages that reclaim may look at, in a number that changes when they do. */
  #reclaimable(freeSwap: number): number {
    const file = this.counter('nr_inactive_file') + this.counter('nr_active_file');
    if (freeSwap === 0) return file;
    return file + freeSwap + this.counter('nr_active_anon') + this.counter('nr_inactive_anon');
  }

  /** Adds to a counter. Throws when it would become negative: a charge was undone twice. */
  add(name: NodeItemName, pages: number): void {
    this.#stat.add(NODE_ITEM[name], 0, pages);
  }

  /** add() by the counter's position in NODE_ITEMS. */
  addAt(item: number, pages: number): void {
    this.#stat.add(item, 0, pages);
  }

  counter(name: NodeItemName): number {
    return this.#stat.get(NODE_ITEM[name], 0);
  }

  /** All counters by name. */
  counters(): Record<NodeItemName, number> {
    return Object.fromEntries(NODE_ITEMS.map((name) => [name, this.counter(name)])) as Record<
      NodeItemName,
      number
    >;
  }
}
