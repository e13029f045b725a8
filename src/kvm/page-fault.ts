import { accessRange } from '../kernel/fault.ts';
import { markDirty } from '../kernel/folio-flags.ts';
import type { Shortage } from '../kernel/memory-pressure.ts';
import { fillCache } from '../kernel/page-cache.ts';
import { countOfLane } from '../kernel/pfn-map.ts';
import type { Task } from '../kernel/task.ts';
import type { Errno } from '../units/errno.ts';
import { OneRun } from '../units/page-runs.ts';
import { NO_KVM_HOOKS } from './hooks.ts';
import type { Kvm } from './kvm.ts';
import { type GmemSlot, hasGmem, type MemSlot } from './memslot.ts';
import { forEachKind } from './tdp.ts';
import { isGmemHuge } from '../kernel/gmem-huge.ts';
import { mapLanes } from './map-lanes.ts';
import { mapPrivateHuge } from './map-private.ts';
import { mapShared } from './map-shared.ts';
import { addTables, prepareTables, startRunning } from './vcpu.ts';
import type { Vm } from './vm.ts';

/** Why KVM_RUN came back to the VMM; `gfn` is where the guest stands. */
export interface GuestExit {
  reason: 'KVM_EXIT_MEMORY_FAULT' | 'KVM_EXIT_MMIO' | 'KVM_EXIT_INTERNAL_ERROR';
  /** What KVM_RUN fails with. For the VMM to emulate a device it returns 0, which a VMM that has none there calls EPROTO. */
  errno: Errno;
  gfn: number;
  /** Memory fault: the access was private. */
  isPrivate: boolean;
}

/**
 * A guest fetches an instruction from its memory; where it has none, there is nothing that a VMM could emulate
 * (arch/x86/kvm/x86.c:handle_emulation_failure).
 */
export function guestFetch(kvm: Kvm, vm: Vm, task: Task, gfn: number): GuestExit | null {
  const exit = guestAccess(kvm, vm, task, gfn, 1, 'attribute');
  return exit?.reason === 'KVM_EXIT_MMIO' ? { ...exit, reason: 'KVM_EXIT_INTERNAL_ERROR' } : exit;
}

/** Which pool the guest means (the C-bit); `attribute` follows KVM's own view, as software-protected VMs do. */
export type AccessKind = 'attribute' | 'private' | 'shared';

/**
 * A guest writes to a range of guest frames, in address order, on a vCPU thread (arch/x86/kvm/mmu/mmu.c:kvm_tdp_page_fault). Frames
 * that have an entry cause no fault. Returns null, or the exit that stopped it; what was mapped before stays.
 */
export function guestAccess(
  kvm: Kvm,
  vm: Vm,
  task: Task,
  gfn: number,
  count: number,
  kind: AccessKind,
): GuestExit | null {
  startRunning(kvm.kernel, vm, task);
  if (vm.staleEntries.size > 0 && kind !== 'shared') kvm.onStaleAccess(vm, gfn, count);
  const end = gfn + count;
  for (let at = gfn; at < end;) {
    const slot = vm.slotAt(at);
    if (!slot) {
      if (kind === 'private' || vm.privateGfns.has(at)) return fault(at, 'EFAULT', true);
      // The entry that remembers this is in a table like any other (kvm_handle_noslot_fault, make_mmio_spte).
      addTables(kvm.kernel, vm, task, at, 1);
      return { reason: 'KVM_EXIT_MMIO', errno: 'EPROTO', gfn: at, isPrivate: false };
    }
    const n = Math.min(end, slot.gfn + slot.pages) - at;
    const failed =
      n === 1 ? accessOne(kvm, vm, slot, task, at, kind) : accessSlot(kvm, vm, slot, task, at, n, kind);
    if (failed) return failed;
    at += n;
  }
  return null;
}

function accessOne(
  kvm: Kvm,
  vm: Vm,
  slot: MemSlot,
  task: Task,
  gfn: number,
  kind: AccessKind,
): GuestExit | null {
  const isPrivate = slot.isGmemOnly || vm.privateGfns.has(gfn);
  if (kind !== 'attribute' && (kind === 'private') !== isPrivate)
    return fault(gfn, 'EFAULT', kind === 'private');
  const fromGmem = isPrivate || slot.isInPlace;
  if (fromGmem ? slot.mapped.has(slot.gmemIndex + gfn - slot.gfn) : vm.tdp.has(gfn)) return null;
  return fromGmem ? faultPrivate(kvm, vm, slot, task, gfn, 1) : faultShared(kvm, vm, slot, task, gfn, 1);
}

function accessSlot(
  kvm: Kvm,
  vm: Vm,
  slot: MemSlot,
  task: Task,
  gfn: number,
  count: number,
  kind: AccessKind,
): GuestExit | null {
  let failed: GuestExit | null = null;
  forEachKind(vm, slot, gfn, count, (at, n, isPrivate) => {
    if (failed) return;
    if (kind !== 'attribute' && (kind === 'private') !== isPrivate) {
      failed = fault(at, 'EFAULT', kind === 'private');
      return;
    }
    const fromGmem = isPrivate || slot.isInPlace;
    const shift = fromGmem ? slot.gmemIndex - slot.gfn : 0;
    if (fromGmem && hasGmem(slot)) {
      const errno = mapLanes(kvm, vm, slot, task, at + shift, n);
      if (errno) failed = fault(at, errno, true);
    }
    (fromGmem ? slot.mapped : vm.tdp).forEachGap(at + shift, n, (start, length) => {
      if (failed) return;
      failed = fromGmem
        ? faultPrivate(kvm, vm, slot, task, start - shift, length)
        : faultShared(kvm, vm, slot, task, start, length);
    });
  });
  return failed;
}

/** kvm_faultin_pfn_private: pages come from the gmem, allocated where missing; shared ones, too, where it has them. */
function faultPrivate(
  kvm: Kvm,
  vm: Vm,
  slot: MemSlot,
  task: Task,
  gfn: number,
  count: number,
): GuestExit | null {
  if (!hasGmem(slot)) return fault(gfn, 'EFAULT', true);
  if (isGmemHuge(kvm.kernel, slot.gmem)) return faultPrivateHuge(kvm, vm, slot, task, gfn, count);
  const index = slot.gmemIndex + gfn - slot.gfn;
  addTables(kvm.kernel, vm, task, gfn, count);
  const refused = prepareFault(kvm, slot, task, index, count);
  if (refused) return fault(gfn, refused, true);
  const failed = fillCache(kvm.kernel, task, slot.gmem, index, count, false);
  const mapped = mapPrivate(kvm, slot, index, count);
  return failed ? fault(gfn + mapped, failed, true) : null;
}

/** What a design does once page-table pages are at hand (mmu_topup_memory_caches), before mmu_lock is taken. */
function prepareFault(kvm: Kvm, slot: GmemSlot, task: Task, index: number, count: number): Shortage | null {
  if (kvm.hooks.faulting === NO_KVM_HOOKS.faulting) return null;
  return kvm.hooks.faulting(slot, count, countOfLane(slot.gmem.cache, { index, count, stride: 1 }), task);
}

/** faultPrivate where huge folios may come: tables of base entries are made for what huge entries do not map. */
function faultPrivateHuge(
  kvm: Kvm,
  vm: Vm,
  slot: GmemSlot,
  task: Task,
  gfn: number,
  count: number,
): GuestExit | null {
  const index = slot.gmemIndex + gfn - slot.gfn;
  prepareTables(kvm.kernel, vm, task);
  const refused = prepareFault(kvm, slot, task, index, count);
  if (refused) return fault(gfn, refused, true);
  const failed = fillCache(kvm.kernel, task, slot.gmem, index, count, false);
  mapPrivateHuge(kvm, vm, slot, task, gfn, count);
  slot.mapped.forEachGap(index, count, (at, n) => {
    addTables(kvm.kernel, vm, task, gfn + at - index, n);
    mapPrivate(kvm, slot, at, n);
  });
  return failed ? fault(gfn + slot.mapped.countIn(index, count), failed, true) : null;
}

/** Installs entries for the cached pages of a range that has none. Returns how many there were. */
function mapPrivate(kvm: Kvm, slot: GmemSlot, index: number, count: number): number {
  const { cache } = slot.gmem;
  const dirties = kvm.kernel.profile.guestFaultDirties;
  if (count === 1) {
    if (!cache.has(index)) return 0;
    slot.mapped.addOne(index);
    if (dirties) markDirty(kvm.kernel, cache.get(index), 1);
    kvm.hooks.tdpMapped(slot, new OneRun(index, 1));
    return 1;
  }
  let mapped = 0;
  cache.forEach(index, count, (at, n, period, lanes) => {
    slot.mapped.add(at, n);
    for (let l = 0; dirties && l < period; l++) {
      markDirty(kvm.kernel, lanes[l]!, Math.ceil((n - l) / period));
    }
    kvm.hooks.tdpMapped(slot, new OneRun(at, n));
    mapped += n;
  });
  return mapped;
}

/** hva_to_pfn: an ordinary fault of the VMM's address space on the vCPU thread, then the entry. */
function faultShared(
  kvm: Kvm,
  vm: Vm,
  slot: MemSlot,
  task: Task,
  gfn: number,
  count: number,
): GuestExit | null {
  const mm = vm.process.mm;
  if (!mm || slot.userspaceVpn === 0) return fault(gfn, 'EFAULT', false);
  prepareTables(kvm.kernel, vm, task);
  const vpn = slot.userspaceVpn + gfn - slot.gfn;
  const failed = accessRange(kvm.kernel, task, vpn, count, true, !kvm.kernel.profile.guestFaultDirties);
  let end = vpn;
  mm.pt.forEach(vpn, count, (at, n) => {
    // What lies behind the page that failed was not accessed.
    if (at === end) end += n;
  });
  const mapped = end - vpn;
  if (mapped > 0) mapShared(kvm, vm, slot, task, gfn, mapped);
  if (!failed) return null;
  return fault(gfn + mapped, failed === 'SIGBUS' || failed === 'SIGSEGV' ? 'EFAULT' : failed, false);
}

const fault = (gfn: number, errno: Errno, isPrivate: boolean): GuestExit => ({
  reason: 'KVM_EXIT_MEMORY_FAULT',
  errno,
  gfn,
  isPrivate,
});
