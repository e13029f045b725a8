import { allocateAccounted, freeAccounted } from '../kernel/accounted-pages.ts';
import { RadixNodes } from '../kernel/radix-nodes.ts';
import { LaneSet } from '../kernel/lane-set.ts';
import { TablePages } from '../kernel/table-pages.ts';
import type { Task } from '../kernel/task.ts';
import type { Lane } from '../units/lanes.ts';
import { PageLane } from '../units/page-runs.ts';
import type { Kvm } from './kvm.ts';
import type { MemSlot } from './memslot.ts';
import type { Vm } from './vm.ts';

/** A second-level page table beside the guest's own: that of system management mode, or of a guest in the guest. */
export interface OtherRoot {
  /** Pages of gmems that it maps, by slot. */
  mapped: Map<MemSlot, LaneSet>;
  tables: RadixNodes;
  tablePages: TablePages;
}

/**
 * Maps private memory that the guest has touched by another root, too. Whoever runs under that root is part of the guest, which had to touch
 * its pages before it could hand them on; frames of the own root only are mapped here, and shared ones are left out.
 */
export function touchByRoot(kvm: Kvm, vm: Vm, task: Task, id: number, gfn: number, count: number): void {
  const root = rootOf(vm, id);
  for (const slot of vm.slots.values()) {
    const from = Math.max(gfn, slot.gfn);
    const to = Math.min(gfn + count, slot.gfn + slot.pages);
    if (from < to) mapByRoot(kvm, task, root, slot, slot.gmemIndex + from - slot.gfn, to - from);
  }
}

/** kvm_mmu_zap: a lane of a gmem's pages leaves the other roots, too. */
export function zapOtherRoots(kvm: Kvm, vm: Vm, slot: MemSlot, lane: Lane): void {
  for (const { mapped } of vm.otherRoots.values()) {
    const pages = mapped.get(slot);
    if (!pages) continue;
    const gone = pages.among(lane, true);
    pages.removeLane(lane);
    for (const part of gone) kvm.hooks.rootZapped(slot, new PageLane(part));
  }
}

/** Frees the page tables of all other roots. */
export function destroyOtherRoots(kvm: Kvm, vm: Vm): void {
  for (const { tables, tablePages } of vm.otherRoots.values()) {
    tables.clear();
    freeAccounted(kvm.kernel, tablePages, 'sec_pagetables', tablePages.count);
  }
  vm.otherRoots.clear();
}

function rootOf(vm: Vm, id: number): OtherRoot {
  let root = vm.otherRoots.get(id);
  if (!root) {
    const tables = new RadixNodes({ bits: 9, levels: 3, grows: false, hasPages: true });
    root = { mapped: new Map(), tables, tablePages: new TablePages(tables) };
    vm.otherRoots.set(id, root);
  }
  return root;
}

function mapByRoot(kvm: Kvm, task: Task, root: OtherRoot, slot: MemSlot, index: number, count: number): void {
  const pages = root.mapped.get(slot) ?? new LaneSet();
  root.mapped.set(slot, pages);
  for (const lane of slot.mapped.lanes(index, count)) {
    for (const added of pages.among(lane, false)) {
      pages.addLane(added);
      const tables = root.tables.addLane({ ...added, index: slot.gfn + added.index - slot.gmemIndex });
      allocateAccounted(kvm.kernel, task, root.tablePages, 'sec_pagetables', tables);
      kvm.hooks.rootMapped(slot, new PageLane(added));
    }
  }
}
