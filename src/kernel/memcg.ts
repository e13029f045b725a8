/** memory.stat items kept per node, in pages (slab and kernel_stack in bytes). */
export type NodeItem =
  | 'anon'
  | 'file'
  | 'shmem'
  | 'file_mapped'
  | 'unevictable'
  | 'active_anon'
  | 'inactive_anon'
  | 'active_file'
  | 'inactive_file'
  | 'pagetables'
  | 'sec_pagetables'
  | 'slab_reclaimable'
  | 'slab_unreclaimable'
  | 'kernel_stack'
  | 'anon_thp'
  | 'shmem_thp';

/** Pages a CPU takes from a counter at once (mm/memcontrol.c:MEMCG_CHARGE_BATCH). */
export const CHARGE_BATCH = 64;

/** A memory cgroup: page counter with hierarchy, statistics by node, events. */
export class Memcg {
  readonly path: string;
  readonly parent: Memcg | null;
  readonly children: Set<Memcg> = new Set<Memcg>();
  /** Removed while still charged; its pages count in the ancestors only. */
  isDying = false;
  /** page_counter: pages charged here and below, batched stock included. */
  usage = 0;
  peak = 0;
  max: number | null = null;
  high: number | null = null;
  readonly events: Record<string, number> = {
    low: 0,
    high: 0,
    max: 0,
    oom: 0,
    oom_kill: 0,
    oom_group_kill: 0,
  };
  readonly stat: Map<NodeItem, Float64Array> = new Map<NodeItem, Float64Array>();
  readonly vmEvents: Record<string, number> = {};
  readonly #nodes: number;

  constructor(config: { path: string; parent: Memcg | null; nodes: number }) {
    this.path = config.path;
    this.parent = config.parent;
    this.#nodes = config.nodes;
    config.parent?.children.add(this);
  }

  /** Adds to a statistic of this group alone. Throws when it would become negative. */
  add(item: NodeItem, nid: number, amount: number): void {
    let column = this.stat.get(item);
    if (!column) this.stat.set(item, (column = new Float64Array(this.#nodes)));
    const value = column[nid]! + amount;
    if (value < 0) throw new Error(`memcg ${this.path}: ${item} of node ${nid} would be ${value}`);
    column[nid] = value;
  }

  /** Hierarchical statistic by node. */
  total(item: NodeItem): number[] {
    const out = Array.from({ length: this.#nodes }, (_, nid) => this.stat.get(item)?.[nid] ?? 0);
    for (const child of this.children) child.total(item).forEach((v, nid) => (out[nid] = out[nid]! + v));
    return out;
  }

  /** Whether `pages` more fit here and in every ancestor; else the group whose limit is in the way. */
  overLimit(pages: number): Memcg | null {
    for (let group: Memcg | null = this; group; group = group.parent) {
      if (group.max !== null && group.usage + pages > group.max) return group;
    }
    return null;
  }

  /** mm/page_counter.c:page_counter_charge, on this group and its ancestors. */
  charge(pages: number): void {
    for (let group: Memcg | null = this; group; group = group.parent) {
      group.usage += pages;
      if (group.usage > group.peak) group.peak = group.usage;
      if (group.high !== null && group.usage > group.high)
        group.events['high'] = (group.events['high'] ?? 0) + 1;
    }
  }

  uncharge(pages: number): void {
    for (let group: Memcg | null = this; group; group = group.parent) {
      group.usage -= pages;
      if (group.usage < 0) throw new Error(`memcg ${group.path}: usage would be ${group.usage}`);
    }
  }
}

/** Per-CPU stock of pre-charged pages (mm/memcontrol.c:consume_stock, refill_stock). */
export class ChargeStock {
  #memcg: Memcg | null = null;
  #pages = 0;

  /** Charges `pages` single pages to a group, in batches. */
  charge(memcg: Memcg, pages: number): void {
    if (this.#memcg === memcg && this.#pages >= pages) {
      this.#pages -= pages;
      return;
    }
    if (this.#memcg !== memcg) this.drain();
    this.#memcg = memcg;
    const missing = pages - this.#pages;
    const batches = Math.ceil(missing / CHARGE_BATCH);
    memcg.charge(batches * CHARGE_BATCH);
    this.#pages = batches * CHARGE_BATCH - missing;
  }

  /** Gives the stock back to its group. */
  drain(): void {
    if (this.#memcg && this.#pages > 0) this.#memcg.uncharge(this.#pages);
    this.#memcg = null;
    this.#pages = 0;
  }
}
