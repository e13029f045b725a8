import { freeAccounted } from '../kernel/accounted-pages.ts';
import { forEachLevel } from '../kernel/huge-maps.ts';
import type { Task } from '../kernel/task.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import type { Kvm } from './kvm.ts';
import type { MemSlot } from './memslot.ts';
import { addTables, linkTables } from './vcpu.ts';
import type { Vm } from './vm.ts';

/**
 * Installs second-level entries for shared guest frames that the VMM's page table maps (arch/x86/kvm/mmu/tdp_mmu.c:kvm_tdp_mmu_map): one
 * entry for 2 MiB where the host has one for the same block, guest and host addresses are aligned alike, the slot holds the whole block
 * and none of it is private (kvm_mmu_hugepage_adjust, kvm_lpage_info); entries of 4 KiB elsewhere. A huge entry covers its whole block.
 */
export function mapShared(kvm: Kvm, vm: Vm, slot: MemSlot, task: Task, gfn: number, count: number): void {
  const shift = slot.userspaceVpn - slot.gfn;
  forEachLevel(vm.process.mm!, gfn + shift, count, (vpn, n, isHuge) => {
    const from = vpn - shift;
    const blocks = isHuge && shift % PAGES_PER_PMD === 0 ? wholeBlocks(vm, slot, from, n) : [];
    let at = from;
    for (const { first, last } of blocks) {
      const start = first * PAGES_PER_PMD;
      if (start > at) mapBase(kvm, vm, task, at, start - at, shift);
      mapBlocks(kvm, vm, task, first, last, shift);
      at = last * PAGES_PER_PMD;
    }
    if (at < from + n) mapBase(kvm, vm, task, at, from + n - at, shift);
  });
}

/** Blocks that a range touches, that lie in the slot as a whole, and that are shared throughout. */
function wholeBlocks(vm: Vm, slot: MemSlot, gfn: number, count: number): { first: number; last: number }[] {
  const first = Math.max(Math.floor(gfn / PAGES_PER_PMD), Math.ceil(slot.gfn / PAGES_PER_PMD));
  const end = Math.min(
    Math.ceil((gfn + count) / PAGES_PER_PMD),
    Math.floor((slot.gfn + slot.pages) / PAGES_PER_PMD),
  );
  const out: { first: number; last: number }[] = [];
  let at = first;
  vm.privateGfns.forEachRun(
    first * PAGES_PER_PMD,
    Math.max(0, end - first) * PAGES_PER_PMD,
    (start, length) => {
      const mixed = Math.floor(start / PAGES_PER_PMD);
      if (mixed > at) out.push({ first: at, last: mixed });
      at = Math.max(at, Math.ceil((start + length) / PAGES_PER_PMD));
    },
  );
  if (at < end) out.push({ first: at, last: end });
  return out;
}

function mapBase(kvm: Kvm, vm: Vm, task: Task, gfn: number, count: number, shift: number): void {
  addTables(kvm.kernel, vm, task, gfn, count);
  vm.process.mm!.pt.forEach(gfn + shift, count, (vpn, n, period, lanes) => {
    vm.tdp.setRun(vpn - shift, n, period, lanes);
  });
}

/** A table of base entries that stands where a huge one comes is freed (handle_removed_pt). */
function mapBlocks(kvm: Kvm, vm: Vm, task: Task, first: number, last: number, shift: number): void {
  const gfn = first * PAGES_PER_PMD;
  const count = (last - first) * PAGES_PER_PMD;
  linkTables(kvm.kernel, vm, task, vm.tables.addAboveLeaves(gfn, count));
  vm.tdp.clear(gfn, count);
  vm.process.mm!.pt.forEach(gfn + shift, count, (vpn, n, period, lanes) => {
    vm.tdp.setRun(vpn - shift, n, period, lanes);
  });
  vm.hugeGfns.add(first, last - first);
  const removed = vm.tables.removeLeaves(first, last - first);
  freeAccounted(kvm.kernel, vm.tablePages, 'sec_pagetables', removed);
}
