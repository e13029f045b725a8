import { freeAccounted } from '../kernel/accounted-pages.ts';
import { DIRTIED, REFERENCED } from '../kernel/folio-class.ts';
import { markAnonymous, markDirty } from '../kernel/folio-flags.ts';
import { forEachLane } from '../kernel/page-allocator.ts';
import { forEachFrameOfLane } from '../kernel/pfn-map.ts';
import { clipLane, endOf, type Lane } from '../units/lanes.ts';
import { PageLane } from '../units/page-runs.ts';
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
  zapLane(kvm, vm, { index: gfn, count, stride: 1 }, kind);
}

/** zapGfns for a lane of guest frames. */
export function zapLane(kvm: Kvm, vm: Vm, lane: Lane, kind: ZapKind): void {
  for (const slot of vm.slots.values()) {
    const inside = clipLane(lane, slot.gfn, slot.gfn + slot.pages);
    if (!inside) continue;
    forEachKind(vm, slot, inside.index, endOf(inside) - inside.index, (at, n, isPrivate) => {
      if (kind !== 'all' && isPrivate !== (kind === 'private')) return;
      const part = clipLane(inside, at, at + n);
      if (part) zapSlotLane(kvm, vm, slot, part, isPrivate);
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

function zapSlotLane(kvm: Kvm, vm: Vm, slot: MemSlot, lane: Lane, isPrivate: boolean): void {
  const isShared = !isPrivate && !slot.isInPlace;
  if (isShared ? vm.tdp.size === 0 : slot.mapped.size === 0) return;
  for (const whole of takeHuge(vm, lane)) {
    if (isShared) zapShared(kvm, vm, whole);
    else zapPrivate(kvm, vm, slot, whole);
  }
}

function zapPrivate(kvm: Kvm, vm: Vm, slot: MemSlot, lane: Lane): void {
  const pages = { ...lane, index: slot.gmemIndex + lane.index - slot.gfn };
  const zapped = slot.mapped.among(pages, true);
  slot.mapped.removeLane(pages);
  if (vm.otherRoots.size > 0) zapOtherRoots(kvm, vm, slot, pages);
  if (vm.staleEntries.size > 0) vm.staleEntries.remove(lane);
  for (const part of zapped) kvm.hooks.tdpZapped(slot, new PageLane(part));
}

/**
 * Where a fault does not mark pages dirty, the end of a writable entry does (arch/x86/kvm/mmu/tdp_mmu.c:handle_changed_spte). Marks that an
 * anonymous folio got with the fault come here, too: nobody else can map it before the entry is gone.
 */
function zapShared(kvm: Kvm, vm: Vm, lane: Lane): void {
  const { kernel } = kvm;
  const mark = (pfn: number, count: number): void => {
    if (!kernel.profile.guestFaultDirties) markDirty(kernel, pfn, count);
    markAnonymous(kernel, pfn, count, REFERENCED | DIRTIED);
  };
  if (lane.stride > 1) forEachFrameOfLane(vm.tdp, lane, mark);
  else vm.tdp.forEach(lane.index, lane.count, (_, n, period, lanes) => forEachLane(n, period, lanes, mark));
  vm.tdp.clearLane(lane);
}

/** A huge entry goes as a whole, whatever part of it a lane touches: the lane with all of them. */
function takeHuge(vm: Vm, lane: Lane): Lane[] {
  if (vm.hugeGfns.size === 0) return [lane];
  const end = endOf(lane);
  const first = Math.floor(lane.index / PAGES_PER_PMD);
  const last = Math.ceil(end / PAGES_PER_PMD);
  if (lane.stride > 1) {
    if (vm.hugeGfns.countIn(first, last - first) === 0) return [lane];
    return Array.from({ length: lane.count }, (_, k) =>
      takeHuge(vm, { index: lane.index + k * lane.stride, count: 1, stride: 1 }),
    ).flat();
  }
  const from = vm.hugeGfns.has(first) ? first * PAGES_PER_PMD : lane.index;
  const to = vm.hugeGfns.has(last - 1) ? last * PAGES_PER_PMD : end;
  vm.hugeGfns.remove(first, last - first);
  return [{ index: from, count: to - from, stride: 1 }];
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
