import type { Zone } from './zone.ts';

/** Node counters by their vmstat names, in pages (nr_kernel_stack in kB). */
export interface NodeCounters {
  nr_file_pages: number;
  nr_shmem: number;
  nr_anon_pages: number;
  nr_mapped: number;
  nr_unevictable: number;
  nr_mlock: number;
  nr_active_anon: number;
  nr_inactive_anon: number;
  nr_active_file: number;
  nr_inactive_file: number;
  nr_page_table_pages: number;
  nr_sec_page_table_pages: number;
  nr_slab_reclaimable: number;
  nr_slab_unreclaimable: number;
  nr_kernel_stack: number;
  nr_anon_transparent_hugepages: number;
  nr_shmem_hugepages: number;
  nr_shmem_pmdmapped: number;
}

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
  readonly pages: number;
  /** Highest first, the order in which an allocation tries them. */
  readonly zones: readonly Zone[];
  readonly counters: NodeCounters = {
    nr_file_pages: 0,
    nr_shmem: 0,
    nr_anon_pages: 0,
    nr_mapped: 0,
    nr_unevictable: 0,
    nr_mlock: 0,
    nr_active_anon: 0,
    nr_inactive_anon: 0,
    nr_active_file: 0,
    nr_inactive_file: 0,
    nr_page_table_pages: 0,
    nr_sec_page_table_pages: 0,
    nr_slab_reclaimable: 0,
    nr_slab_unreclaimable: 0,
    nr_kernel_stack: 0,
    nr_anon_transparent_hugepages: 0,
    nr_shmem_hugepages: 0,
    nr_shmem_pmdmapped: 0,
  };
  readonly numa: NumaCounters = {
    numa_hit: 0,
    numa_miss: 0,
    numa_foreign: 0,
    interleave_hit: 0,
    local_node: 0,
    other_node: 0,
  };

  constructor(config: { nid: number; cpus: readonly number[]; zones: readonly Zone[] }) {
    this.nid = config.nid;
    this.cpus = config.cpus;
    const ascending = [...config.zones].sort((a, b) => a.startPfn - b.startPfn);
    this.zones = [...ascending].reverse();
    this.startPfn = ascending[0]?.startPfn ?? 0;
    this.pages = ascending.reduce((sum, zone) => sum + zone.pages, 0);
  }

  get freePages(): number {
    let sum = 0;
    for (const zone of this.zones) sum += zone.freePages;
    return sum;
  }

  /** Adds to a counter. Throws when it would become negative: a charge was undone twice. */
  add(name: keyof NodeCounters, pages: number): void {
    const value = this.counters[name] + pages;
    if (value < 0) throw new Error(`node ${this.nid}: ${name} would be ${value}`);
    this.counters[name] = value;
  }
}
