import { PAGE_SIZE } from '../units/pages.ts';
import { positions, StatColumns } from './stat-columns.ts';

/** memory.stat items kept per node, in pages (slab and kernel_stack in bytes); `kernel_other` is what only `kernel` includes. */
export const MEMCG_ITEMS = [
  'anon',
  'file',
  'shmem',
  'file_mapped',
  'unevictable',
  'active_anon',
  'inactive_anon',
  'active_file',
  'inactive_file',
  'pagetables',
  'sec_pagetables',
  'slab_reclaimable',
  'slab_unreclaimable',
  'kernel_stack',
  'vmalloc',
  'kernel_other',
  'anon_thp',
  'shmem_thp',
  'file_thp',
  'swapcached',
  'workingset_refault_anon',
  'workingset_activate_anon',
  'workingset_restore_anon',
  'pgsteal_kswapd',
  'pgsteal_direct',
  'pgsteal_proactive',
  'pgscan_kswapd',
  'pgscan_direct',
  'pgscan_proactive',
] as const;
export type MemcgItem = (typeof MEMCG_ITEMS)[number];
export const MEMCG_ITEM: Readonly<Record<MemcgItem, number>> = positions(MEMCG_ITEMS);

/** Items that count events, not memory. */
export const EVENT_ITEMS: ReadonlySet<MemcgItem> = new Set<MemcgItem>([
  'workingset_refault_anon',
  'workingset_activate_anon',
  'workingset_restore_anon',
  'pgsteal_kswapd',
  'pgsteal_direct',
  'pgsteal_proactive',
  'pgscan_kswapd',
  'pgscan_direct',
  'pgscan_proactive',
]);

/** Items of kernel memory: they go to the parent when a group is removed, on every version. */
export const KERNEL_ITEMS: readonly MemcgItem[] = [
  'pagetables',
  'sec_pagetables',
  'slab_reclaimable',
  'slab_unreclaimable',
  'kernel_stack',
  'vmalloc',
  'kernel_other',
];

/** Items of kernel memory that count whole pages. */
const PAGE_ITEMS: readonly MemcgItem[] = ['pagetables', 'sec_pagetables', 'vmalloc', 'kernel_other'];

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
  /** memory.min and memory.low: pages that reclaim from above leaves alone, strictly or while others have some. */
  min = 0;
  low = 0;
  /** memory.oom.group: the OOM killer takes all processes of the group or none. */
  killsGroup = false;
  /** Swap slots charged here and below, and memory.swap.max. */
  swapUsage = 0;
  swapMax: number | null = null;
  readonly events: Record<string, number> = {
    low: 0,
    high: 0,
    max: 0,
    oom: 0,
    oom_kill: 0,
    oom_group_kill: 0,
  };
  /** This group's own; total() adds the groups below. */
  readonly #stat: StatColumns<MemcgItem>;
  /** vm events that memory.stat shows, of this group and below. */
  readonly vmEvents: Record<string, number> = {};
  /** Nodes whose lists of anonymous pages reclaim has found to have no generation behind the two newest (struct lru_gen_folio). */
  readonly hasTwoGenerations: Set<number> = new Set();
  readonly #nodes: number;
  /** Bytes of kernel objects. */
  #objectBytes = 0;

  constructor(config: { id: number; path: string; parent: Memcg | null; nodes: number }) {
    this.id = config.id;
    this.path = config.path;
    this.parent = config.parent;
    this.#nodes = config.nodes;
    this.#stat = new StatColumns({ owner: `memcg ${config.path}`, names: MEMCG_ITEMS, nodes: config.nodes });
    config.parent?.children.add(this);
  }

  /** Counts a vm event here and in the groups above (count_memcg_events). */
  vmEvent(name: string, count: number): void {
    for (let group: Memcg | null = this; group; group = group.parent) {
      group.vmEvents[name] = (group.vmEvents[name] ?? 0) + count;
    }
  }

  /** Adds to a statistic of this group alone. Throws when it would become negative. */
  add(item: MemcgItem, nid: number, amount: number): void {
    this.#stat.add(MEMCG_ITEM[item], nid, amount);
  }

  /** add() by the item's position in MEMCG_ITEMS. */
  addAt(item: number, nid: number, amount: number): void {
    this.#stat.add(item, nid, amount);
  }

  /** Statistic of this group alone. */
  own(item: MemcgItem, nid: number): number {
    return this.#stat.get(MEMCG_ITEM[item], nid);
  }

  /** Hierarchical statistic by node. */
  total(item: MemcgItem): number[] {
    const out = Array.from({ length: this.#nodes }, (_, nid) => this.own(item, nid));
    for (const child of this.children) child.total(item).forEach((v, nid) => (out[nid] = out[nid]! + v));
    return out;
  }

  /** Who answers for the kernel memory of this group: itself, or where it went when the group was removed. */
  get kernelHome(): Memcg {
    let home: Memcg = this;
    while (home.isDying && home.parent) home = home.parent;
    return home;
  }

  /** mm/memcontrol.c:memcg_reparent_objcgs: kernel memory and what was charged for it go to the parent, whose statistics included it before. */
  handOverKernel(): void {
    const parent = this.parent!;
    let pages = Math.ceil(this.#objectBytes / PAGE_SIZE);
    for (let nid = 0; nid < this.#nodes; nid++) {
      for (const item of PAGE_ITEMS) pages += this.own(item, nid);
      pages += this.own('kernel_stack', nid) / PAGE_SIZE;
    }
    this.#handStatistics(KERNEL_ITEMS, parent);
    this.#handCharges(pages);
    if (parent.parent !== null) {
      const apart = Math.ceil(this.#objectBytes / PAGE_SIZE) + Math.ceil(parent.#objectBytes / PAGE_SIZE);
      parent.#objectBytes += this.#objectBytes;
      // Two parts of a page may fit into one.
      parent.uncharge(apart - Math.ceil(parent.#objectBytes / PAGE_SIZE));
    }
    this.#objectBytes = 0;
  }

  /** The same for folios, after kernel memory (7.3). */
  handOverFolios(): void {
    this.#handStatistics(MEMCG_ITEMS, this.parent!);
    this.#handCharges(this.usage);
  }

  #handStatistics(items: readonly MemcgItem[], to: Memcg): void {
    for (const item of items) {
      for (let nid = 0; nid < this.#nodes; nid++) {
        const amount = this.own(item, nid);
        if (amount === 0) continue;
        to.add(item, nid, amount);
        this.add(item, nid, -amount);
      }
    }
  }

  /** The parent's counter holds these pages already; the root's holds only what groups below it are charged. */
  #handCharges(pages: number): void {
    if (this.parent!.parent === null) this.uncharge(pages);
    else this.usage -= pages;
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
    }
  }

  /** Adds to the swap counter here and in every ancestor. */
  chargeSwap(pages: number): void {
    for (let group: Memcg | null = this; group; group = group.parent) group.swapUsage += pages;
  }

  /** Pages that may still go to swap below every memory.swap.max. */
  swapRoom(): number {
    let room = Infinity;
    for (let group: Memcg | null = this; group; group = group.parent) {
      if (group.swapMax !== null) room = Math.min(room, Math.max(0, group.swapMax - group.swapUsage));
    }
    return room;
  }

  /** Whether the group is `other` or lies below it. */
  isWithin(other: Memcg): boolean {
    for (let group: Memcg | null = this; group; group = group.parent) if (group === other) return true;
    return false;
  }

  /** Counts an event of memory.events here and in every ancestor but the root (memcg_memory_event). */
  event(name: string, count: number = 1): void {
    for (let group: Memcg = this; group.parent; group = group.parent) {
      group.events[name] = (group.events[name] ?? 0) + count;
    }
  }

  /** mm/memcontrol.c:obj_cgroup_charge: kernel objects by the byte, whole pages of them in the page counter. */
  chargeBytes(bytes: number): void {
    if (this.parent === null) return;
    const before = Math.ceil(this.#objectBytes / PAGE_SIZE);
    this.#objectBytes += bytes;
    const pages = Math.ceil(this.#objectBytes / PAGE_SIZE) - before;
    if (pages > 0) this.charge(pages);
    else if (pages < 0) this.uncharge(-pages);
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
    let slot: { memcg: Memcg; pages: number } | undefined;
    for (let i = 0; i < this.#slots.length && !slot; i++) {
      if (this.#slots[i]!.memcg === memcg) slot = this.#slots[i];
    }
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

  /** Puts a page that `charge` gave back into the stock (mm/memcontrol.c:refill_stock); the root has none. */
  refund(memcg: Memcg): void {
    if (memcg.parent === null) return;
    const slot = this.#slots.find((one) => one.memcg === memcg);
    if (slot) slot.pages++;
    else memcg.uncharge(1);
  }

  /** Gives every stock back to its group (drain_all_stock); `within`: only those of a group and the groups below it. */
  drain(within: Memcg | null = null): void {
    for (let i = this.#slots.length - 1; i >= 0; i--) {
      const slot = this.#slots[i]!;
      if (within !== null && !slot.memcg.isWithin(within)) continue;
      this.#giveBack(slot);
      this.#slots.splice(i, 1);
    }
  }

  #giveBack(slot: { memcg: Memcg; pages: number }): void {
    if (slot.pages > 0) slot.memcg.uncharge(slot.pages);
    slot.pages = 0;
  }
}
