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
  /** Unique in a world; never printed. */
  readonly id: number;
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

  constructor(config: { id: number; path: string; parent: Memcg | null; nodes: number }) {
    this.id = config.id;
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

  /** Pages that still fit below every limit. */
  room(): number {
    let room = Infinity;
    for (let group: Memcg | null = this; group; group = group.parent) {
      if (group.max !== null) room = Math.min(room, Math.max(0, group.max - group.usage));
    }
    return room;
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

/**
 * Per-CPU stock of pre-charged pages (mm/memcontrol.c:consume_stock, refill_stock). 6.12 keeps one group per CPU: charging another
 * one gives the rest back. 7.3 keeps several.
 */
export class ChargeStock {
  readonly #slots: { memcg: Memcg; pages: number }[] = [];
  readonly #size: number;

  constructor(config: { slots: number }) {
    this.#size = config.slots;
  }

  /**
   * Charges single pages to a group, in batches where its limits allow and page by page where not. Returns how many fitted; the root
   * is never charged.
   */
  charge(memcg: Memcg, pages: number): number {
    if (memcg.parent === null) return pages;
    let slot = this.#slots.find((entry) => entry.memcg === memcg);
    if (slot && slot.pages >= pages) {
      slot.pages -= pages;
      return pages;
    }
    if (!slot) {
      slot = { memcg, pages: 0 };
      if (this.#slots.length >= this.#size) this.#giveBack(this.#slots.shift()!);
      this.#slots.push(slot);
    }
    const missing = pages - slot.pages;
    const batches = Math.ceil(missing / CHARGE_BATCH) * CHARGE_BATCH;
    if (!memcg.overLimit(batches)) {
      memcg.charge(batches);
      slot.pages = batches - missing;
      return pages;
    }
    const room = Math.min(missing, memcg.room());
    memcg.charge(room);
    const fitted = slot.pages + room;
    slot.pages = 0;
    return fitted;
  }

  /** Gives every stock back to its group (drain_all_stock). */
  drain(): void {
    for (const slot of this.#slots) this.#giveBack(slot);
    this.#slots.length = 0;
  }

  #giveBack(slot: { memcg: Memcg; pages: number }): void {
    if (slot.pages > 0) slot.memcg.uncharge(slot.pages);
    slot.pages = 0;
  }
}
