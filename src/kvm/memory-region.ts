import type { Inode } from '../kernel/inode.ts';
import { allocateAccounted, freeAccounted } from '../kernel/accounted-pages.ts';
import { KernelPages } from '../kernel/kernel-pages.ts';
import type { Task } from '../kernel/task.ts';
import { LaneSet } from '../kernel/lane-set.ts';
import type { Errno } from '../units/errno.ts';
import { PAGE_SIZE, PAGES_PER_PMD, PAGES_PER_PUD } from '../units/pages.ts';
import type { Kvm } from './kvm.ts';
import type { MemSlot } from './memslot.ts';
import { adoptShares } from './in-place.ts';
import { zapGfns } from './tdp.ts';
import type { Vm } from './vm.ts';

/** KVM_MEM_SLOTS_NUM, and KVM_MEM_MAX_NR_PAGES. */
const MAX_SLOTS = 32_767;
const MAX_PAGES = 2 ** 31 - 1;

/** struct kvm_userspace_memory_region2; bytes. */
export interface RegionRequest {
  slot: number;
  gpa: number;
  bytes: number;
  userspaceAddr: number;
  /** A gmem, any other file (`EINVAL`), or null for a region without KVM_MEM_GUEST_MEMFD. */
  gmem: Inode | null;
  gmemOffset: number;
}

/** KVM_SET_USER_MEMORY_REGION2 (virt/kvm/kvm_main.c:kvm_set_memory_region), checks in the kernel's order. */
export function setMemoryRegion(kvm: Kvm, vm: Vm, task: Task, request: RegionRequest): Errno | 0 {
  const { profile } = kvm.kernel;
  if (request.gmem && !vm.hasPrivateMemory && !profile.gmemOnlySlots) return 'EINVAL';
  const aligned = [request.gpa, request.bytes, request.userspaceAddr, request.gmemOffset];
  if (aligned.some((value) => value % PAGE_SIZE !== 0 || value < 0)) return 'EINVAL';
  if (request.slot < 0 || request.slot >= MAX_SLOTS) return 'EINVAL';
  const gfn = request.gpa / PAGE_SIZE;
  const pages = request.bytes / PAGE_SIZE;
  if (pages > MAX_PAGES) return 'EINVAL';
  const old = vm.slots.get(request.slot);
  if (pages === 0) {
    if (!old) return 'EINVAL';
    deleteSlot(kvm, vm, old);
    return 0;
  }
  if (old) return changeSlot(old, request, gfn, pages);
  for (const slot of vm.slots.values()) {
    if (gfn < slot.gfn + slot.pages && slot.gfn < gfn + pages) return 'EEXIST';
  }
  const gmemIndex = request.gmemOffset / PAGE_SIZE;
  const failed = request.gmem ? checkBinding(kvm, vm, request.gmem, gmemIndex, pages) : 0;
  if (failed) return failed;
  const slot: MemSlot = {
    id: request.slot,
    vm,
    gfn,
    pages,
    userspaceVpn: request.userspaceAddr / PAGE_SIZE,
    gmem: request.gmem,
    gmemIndex,
    isGmemOnly: request.gmem !== null && !vm.hasPrivateMemory,
    isInPlace: request.gmem !== null && request.gmem.sharedPages !== null,
    mapped: new LaneSet(),
    lpageInfo: new KernelPages(),
  };
  allocateAccounted(kvm.kernel, task, slot.lpageInfo, 'vmalloc', lpageInfoPages(gfn, pages));
  vm.slots.set(slot.id, slot);
  adoptShares(vm, slot);
  if (slot.gmem) kvm.hooks.slotBound(slot);
  return 0;
}

/** kvm_alloc_memslot_metadata: four bytes for each block of 2 MiB that the slot touches, and for each of 1 GiB, in whole pages each. */
const lpageInfoPages = (gfn: number, pages: number): number =>
  lpageBlocks({ gfn, pages }).reduce(
    (sum, blocks) => sum + Math.ceil((blocks * LPAGE_INFO_BYTES) / PAGE_SIZE),
    0,
  );

/** Blocks of 2 MiB that a slot touches, and of 1 GiB. */
export const lpageBlocks = ({ gfn, pages }: Pick<MemSlot, 'gfn' | 'pages'>): number[] =>
  [PAGES_PER_PMD, PAGES_PER_PUD].map(
    (size) => Math.floor((gfn + pages - 1) / size) - Math.floor(gfn / size) + 1,
  );

/** sizeof(struct kvm_lpage_info). */
const LPAGE_INFO_BYTES = 4;

/** Frees what a slot holds of the kernel's memory. */
export function freeSlotPages(kvm: Kvm, slot: MemSlot): void {
  freeAccounted(kvm.kernel, slot.lpageInfo, 'vmalloc', slot.lpageInfo.count);
}

/** An existing slot may only be set to what it is; one with a gmem not even that. */
function changeSlot(old: MemSlot, request: RegionRequest, gfn: number, pages: number): Errno | 0 {
  if (request.gmem || old.gmem) return 'EINVAL';
  if (old.userspaceVpn !== request.userspaceAddr / PAGE_SIZE || old.pages !== pages) return 'EINVAL';
  return old.gfn === gfn ? 0 : 'EINVAL';
}

/** kvm_gmem_bind. */
function checkBinding(kvm: Kvm, vm: Vm, gmem: Inode, index: number, pages: number): Errno | 0 {
  if (gmem.kind !== 'gmem' || kvm.vmOfGmem.get(gmem) !== vm) return 'EINVAL';
  if (index + pages > gmem.sizePages) return 'EINVAL';
  for (const slot of vm.slots.values()) {
    if (slot.gmem !== gmem) continue;
    if (index < slot.gmemIndex + slot.pages && slot.gmemIndex < index + pages) {
      return kvm.kernel.profile.gmemOverlapExists ? 'EEXIST' : 'EINVAL';
    }
  }
  return 0;
}

/** Deleting a slot zaps its entries and frees no page. */
function deleteSlot(kvm: Kvm, vm: Vm, slot: MemSlot): void {
  zapGfns(kvm, vm, slot.gfn, slot.pages, 'all');
  vm.slots.delete(slot.id);
  if (slot.isInPlace) vm.privateGfns.remove(slot.gfn, slot.pages);
  freeSlotPages(kvm, slot);
  if (slot.gmem) kvm.hooks.slotDeleted(slot);
}
