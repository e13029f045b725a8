import { freeAccounted } from '../kernel/accounted-pages.ts';
import { DIRTIED, REFERENCED } from '../kernel/folio-class.ts';
import { markAnonymous, markDirty } from '../kernel/folio-flags.ts';
import { forEachLane } from '../kernel/page-allocator.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import type { Kvm } from './kvm.ts';
import { destroyOtherRoots, zapOtherRoots } from './other-roots.ts';
import type { MemSlot } from './memslot.ts';
import type { Vm } from './vm.ts';

/** Which second-level entries a zap concerns. */
export type ZapKind = 'private' | 'shared' | 'all';

/**
 * Removes second-level entries of a range of guest frames (arch/x86/kvm/mmu/tdp_mmu.c:tdp_mmu_zap_leafs). Table pages stay, as in
 * the TDP MMU. An entry is private when its frame's attribute is, or its slot takes everything from the gmem.
 */
export function zapGfns(kvm: Kvm, vm: Vm, gfn: number, count: number, kind: ZapKind): void {
  for (const slot of vm.slots.values()) {
    const from = Math.max(gfn, slot.gfn);
    const to = Math.min(gfn + count, slot.gfn + slot.pages);
    if (from >= to) continue;
    forEachKind(vm, slot, from, to - from, (at, n, isPrivate) => {
      if (kind !== 'all' && isPrivate !== (kind === 'private')) return;
      zapSlotRange(kvm, vm, slot, at, n, isPrivate);
    });
  }
}

/** Splits a range of a slot into stretches that are private or shared throughout. */
export function forEachKind(
  vm: Vm,
  slot: MemSlot,
  gfn: number,
  count: number,
  visit: (gfn: number, count: number, isPrivate: boolean) => void,
): void {
  if (slot.isGmemOnly) {
    visit(gfn, count, true);
    return;
  }
  const stretches: { gfn: number; count: number }[] = [];
  vm.privateGfns.forEachRun(gfn, count, (start, length) => {
    stretches.push({ gfn: start, count: length });
  });
  let at = gfn;
  for (const stretch of stretches) {
    if (stretch.gfn > at) visit(at, stretch.gfn - at, false);
    visit(stretch.gfn, stretch.count, true);
    at = stretch.gfn + stretch.count;
  }
  if (at < gfn + count) visit(at, gfn + count - at, false);
}

function zapSlotRange(kvm: Kvm, vm: Vm, slot: MemSlot, gfn: number, count: number, isPrivate: boolean): void {
  if (!isPrivate && !slot.isInPlace) {
    if (vm.tdp.size > 0) zapShared(kvm, vm, gfn, count);
    return;
  }
  if (slot.mapped.size === 0) return;
  const zapped: number[] = [];
  const whole = takeHuge(vm, gfn, count);
  const index = slot.gmemIndex + whole.gfn - slot.gfn;
  slot.mapped.forEachRun(index, whole.count, (at, n) => {
    zapped.push(at, n);
  });
  slot.mapped.remove(index, whole.count);
  if (vm.otherRoots.size > 0) zapOtherRoots(kvm, vm, slot, index, whole.count);
  if (vm.staleEntries.size > 0) vm.staleEntries.clear(whole.gfn, whole.count);
  for (let i = 0; i < zapped.length; i += 2) kvm.hooks.tdpZapped(slot, zapped[i]!, zapped[i + 1]!);
}

/**
 * Where a fault does not mark pages dirty, the end of a writable entry does (arch/x86/kvm/mmu/tdp_mmu.c:handle_changed_spte). Marks that an
 * anonymous folio got with the fault come here, too: nobody else can map it before the entry is gone.
 */
function zapShared(kvm: Kvm, vm: Vm, gfn: number, count: number): void {
  const whole = takeHuge(vm, gfn, count);
  const { kernel } = kvm;
  vm.tdp.forEach(whole.gfn, whole.count, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (pfn, length) => {
      if (!kernel.profile.guestFaultDirties) markDirty(kernel, pfn, length);
      markAnonymous(kernel, pfn, length, REFERENCED | DIRTIED);
    });
  });
  vm.tdp.clear(whole.gfn, whole.count);
}

/** A huge entry goes as a whole, whatever part of it the range touches: the range with all of them. */
function takeHuge(vm: Vm, gfn: number, count: number): { gfn: number; count: number } {
  if (vm.hugeGfns.size === 0) return { gfn, count };
  const first = Math.floor(gfn / PAGES_PER_PMD);
  const last = Math.ceil((gfn + count) / PAGES_PER_PMD);
  const from = vm.hugeGfns.has(first) ? first * PAGES_PER_PMD : gfn;
  const to = vm.hugeGfns.has(last - 1) ? last * PAGES_PER_PMD : gfn + count;
  vm.hugeGfns.remove(first, last - first);
  return { gfn: from, count: to - from };
}

/** Frames of a slot's shared side that second-level entries map; those of its private side are `slot.mapped`. */
export function sharedEntries(vm: Vm, slot: MemSlot): number {
  let pages = 0;
  vm.tdp.forEach(slot.gfn, slot.pages, (_, n) => {
    pages += n;
  });
  return pages;
}

/** Frees the whole second-level page table. */
export function destroyTdp(kvm: Kvm, vm: Vm): void {
  zapGfns(kvm, vm, 0, 2 ** 40, 'all');
  vm.tables.clear();
  destroyOtherRoots(kvm, vm);
  freeAccounted(kvm.kernel, vm.tablePages, 'sec_pagetables', vm.tablePages.count);
}
