import type { Inode } from '../kernel/inode.ts';
import { LaneSet } from '../kernel/lane-set.ts';
import { countOfLane } from '../kernel/pfn-map.ts';
import type { StaleEntries } from '../kvm/stale-entries.ts';
import type { Vm } from '../kvm/vm.ts';
import type { FindingLink } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { FREE, FrameOwners } from './frame-owner.ts';
import type { MappingJournal, Moment } from './mapping-journal.ts';
import type { World } from './world.ts';

/** Entries of one VM for one file that one step has left pointing at frames which are not the file's any more. */
interface StaleGroup {
  vm: Vm;
  inode: Inode;
  /** Guest frames; a later step may have taken some for a group of its own. */
  gfns: LaneSet;
  pages: number;
  /** How many of them left the file for good; the others are at other frames. */
  dropped: number;
  mappedBy: Map<number, Moment>;
  leftBy: Moment;
  /** Who got the frames, and in which step that was seen first. */
  owners: Map<string, Moment>;
  isReported: boolean;
}

/** Accesses of one step through the entries of a group. */
interface Access {
  pages: number;
  owners: Set<string>;
}

/**
 * Looks after second-level entries that point at frames which were taken from under them: reports them, follows who gets the frames, and
 * reports each step in which a guest uses them.
 */
export class StaleWatch {
  readonly #world: World;
  readonly #journal: MappingJournal;
  #groups: StaleGroup[] = [];
  #seenAllocations = -1;
  /** As of the first access of the step; null before it. */
  #owners: FrameOwners | null = null;
  readonly #accesses = new Map<StaleGroup, Access>();

  constructor(config: { world: World; journal: MappingJournal }) {
    this.#world = config.world;
    this.#journal = config.journal;
    const { kvm } = config.world;
    kvm.onStaleEntries = (stale) => this.#left(stale);
    kvm.onStaleAccess = (vm, gfn, count) => this.#accessed(vm, gfn, count);
  }

  /** What the step that has just run left behind, and did through what was left behind before. */
  afterStep(): void {
    if (this.#groups.length === 0) return;
    for (const group of this.#groups) if (!group.isReported) this.#reportLeft(group);
    const allocations = this.#allocations();
    if (allocations !== this.#seenAllocations) this.#noteOwners();
    this.#seenAllocations = allocations;
    this.#owners = null;
    for (const [group, access] of this.#accesses) this.#reportAccess(group, access);
    this.#accesses.clear();
    this.#groups = this.#groups.filter(({ vm, gfns }) => gfns.size > 0 && vm.staleEntries.size > 0);
  }

  /** Frames change hands by allocations, and by going offline. */
  #allocations(): number {
    const { nodes, offlineBlocks, poisoned } = this.#world.kernel;
    return nodes.reduce(
      (sum, { numa }) => sum + numa.local_node + numa.other_node,
      offlineBlocks.size + poisoned.size,
    );
  }

  #noteOwners(): void {
    const now = new FrameOwners({ kernel: this.#world.kernel });
    for (const group of this.#groups) {
      const found = new Set<string>();
      this.#forEachStale(group, 0, 2 ** 40, (pfn, count) => now.collect(pfn, count, found));
      for (const words of found) {
        if (words !== FREE && !group.owners.has(words)) group.owners.set(words, { ...this.#world.at });
      }
    }
  }

  #left({ vm, slot, gfns }: StaleEntries): void {
    const inode = slot.gmem!;
    const { at } = this.#world;
    let group = this.#groups.find(
      (known) => known.vm === vm && known.inode === inode && known.leftBy.step === at.step,
    );
    if (!group) {
      group = {
        vm,
        inode,
        gfns: new LaneSet(),
        pages: 0,
        dropped: 0,
        mappedBy: new Map(),
        leftBy: { ...at },
        owners: new Map(),
        isReported: false,
      };
      this.#groups.push(group);
    }
    for (const lane of gfns) {
      for (const other of this.#groups) if (other.vm === vm) other.gfns.removeLane(lane);
      group.gfns.addLane(lane);
      group.pages += lane.count;
      const pages = { ...lane, index: slot.gmemIndex + lane.index - slot.gfn };
      group.dropped += lane.count - countOfLane(inode.cache, pages);
      for (const moment of this.#journal.stepsOf(inode, pages)) group.mappedBy.set(moment.step, moment);
    }
  }

  #accessed(vm: Vm, gfn: number, count: number): void {
    for (const group of this.#groups) {
      if (group.vm !== vm) continue;
      this.#forEachStale(group, gfn, count, (pfn, n) => {
        let access = this.#accesses.get(group);
        if (!access) this.#accesses.set(group, (access = { pages: 0, owners: new Set() }));
        access.pages += n;
        this.#owners ??= new FrameOwners({ kernel: this.#world.kernel });
        this.#owners.collect(pfn, n, access.owners);
      });
    }
  }

  #forEachStale(
    { vm, gfns }: StaleGroup,
    gfn: number,
    count: number,
    visit: (pfn: number, count: number) => void,
  ): void {
    for (const lane of gfns.lanes(gfn, count)) vm.staleEntries.forEachFrame(lane, visit);
  }

  #reportLeft(group: StaleGroup): void {
    group.isReported = true;
    const { vm, inode, pages } = group;
    this.#world.report(
      'hazard',
      'stale-entry',
      `${kb(pages)} of ${inode.name}: the page table of vm${vm.id} still points at frames that are not the file's any more`,
      this.#chain(group),
    );
  }

  #reportAccess(group: StaleGroup, { pages, owners }: Access): void {
    const { inode, vm } = group;
    const holders = [...owners].sort();
    const chain = this.#chain(group);
    for (const words of holders) {
      const moment = group.owners.get(words) ?? this.#world.at;
      if (words !== FREE) chain.push({ ...moment, message: `the frames went to: ${words}` });
    }
    chain.sort((a, b) => a.step - b.step);
    chain.push({ ...this.#world.at, message: `the guest of vm${vm.id} used ${kb(pages)} of them` });
    this.#world.report(
      'hazard',
      'stale-entry',
      `use after free: the guest uses ${kb(pages)} of ${inode.name} in frames that it lost; who has them: ${holders.join('; ')}`,
      chain,
    );
  }

  /** What was mapped when, and how it lost its frames. */
  #chain({ inode, vm, pages, dropped, mappedBy, leftBy }: StaleGroup): FindingLink[] {
    const [first, ...later] = [...mappedBy.values()].sort((a, b) => a.step - b.step);
    const more =
      later.length > 0 ? ` (more of them in step ${later.map(({ step }) => step).join(', ')})` : '';
    const copied = vm.type === 'snp' ? ', copied as ciphertext,' : '';
    const left =
      dropped === pages
        ? `${kb(pages)} of ${inode.name} were dropped from the file; no entry was zapped`
        : `${kb(pages - dropped)} of ${inode.name} moved to other frames${copied} and no entry was zapped`;
    return [
      ...(first ? [{ ...first, message: `the guest mapped pages of ${inode.name}${more}` }] : []),
      { ...leftBy, message: left },
    ];
  }
}

const kb = (pages: number): string => `${pagesToKb(pages)} kB`;
