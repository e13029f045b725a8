import { allocateAccounted, freeAccounted } from '../kernel/accounted-pages.ts';
import { RadixNodes } from '../kernel/radix-nodes.ts';
import { RangeSet } from '../kernel/range-set.ts';
import { TablePages } from '../kernel/table-pages.ts';
import type { Task } from '../kernel/task.ts';
import { OneRun } from '../units/page-runs.ts';
import type { Kvm } from './kvm.ts';
import type { MemSlot } from './memslot.ts';
import type { Vm } from './vm.ts';

/** A second-level page table beside the guest's own: that of system management mode, or of a guest in the guest. */
export interface OtherRoot {
  /** Pages of gmems that it maps, by slot. */
  mapped: Map<MemSlot, RangeSet>;
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

/** kvm_mmu_zap: a range of a gmem's pages leaves the other roots, too. */
export function zapOtherRoots(kvm: Kvm, vm: Vm, slot: MemSlot, index: number, count: number): void {
  for (const { mapped } of vm.otherRoots.values()) {
    const pages = mapped.get(slot);
    if (!pages) continue;
    const gone: OneRun[] = [];
    pages.forEachRun(index, count, (at, n) => void gone.push(new OneRun(at, n)));
    pages.remove(index, count);
    for (const run of gone) run.forEach((at, n) => kvm.hooks.rootZapped(slot, at, n));
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
  const pages = root.mapped.get(slot) ?? new RangeSet();
  root.mapped.set(slot, pages);
  const added: { at: number; n: number }[] = [];
  slot.mapped.forEachRun(index, count, (start, length) => {
    pages.forEachGap(start, length, (at, n) => added.push({ at, n }));
  });
  for (const { at, n } of added) {
    pages.add(at, n);
    const tables = root.tables.add(slot.gfn + at - slot.gmemIndex, n);
    allocateAccounted(kvm.kernel, task, root.tablePages, 'sec_pagetables', tables);
    kvm.hooks.rootMapped(slot, new OneRun(at, n));
  }
}
