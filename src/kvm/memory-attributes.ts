import { allocateXarrayNodes, freeXarrayNodes } from '../kernel/slab.ts';
import type { Task } from '../kernel/task.ts';
import type { Errno } from '../units/errno.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import { convertInPlace } from './in-place.ts';
import type { Kvm } from './kvm.ts';
import { type GmemSlot, hasGmem } from './memslot.ts';
import { zapGfns } from './tdp.ts';
import type { Vm } from './vm.ts';

/**
 * KVM_SET_MEMORY_ATTRIBUTES (virt/kvm/kvm_main.c:kvm_vm_set_mem_attributes) on a range of guest-physical bytes. Entries of the kind
 * that the range leaves are zapped; no page is allocated or freed. xarray nodes are charged to the caller.
 */
export function setMemoryAttributes(
  kvm: Kvm,
  vm: Vm,
  task: Task,
  gpa: number,
  bytes: number,
  to: 'private' | 'shared',
): Errno | 0 {
  if (bytes <= 0 || gpa < 0 || gpa % PAGE_SIZE !== 0 || bytes % PAGE_SIZE !== 0) return 'EINVAL';
  if (to === 'private' && !vm.hasPrivateMemory) return 'EINVAL';
  const gfn = gpa / PAGE_SIZE;
  const count = bytes / PAGE_SIZE;
  const already = vm.privateGfns.countIn(gfn, count);
  if (already === (to === 'private' ? count : 0)) return 0;
  let at = gfn;
  for (const { slot, from, n } of inPlaceParts(vm, gfn, count)) {
    if (from > at) setOfVm(kvm, vm, task, at, from - at, to);
    convertInPlace(kvm, slot, from, n, to);
    at = from + n;
  }
  if (at < gfn + count) setOfVm(kvm, vm, task, at, gfn + count - at, to);
  kvm.hooks.converted(vm, gfn, count, to);
  return 0;
}

/** Parts of a range, ascending, whose attributes the files keep. */
function inPlaceParts(vm: Vm, gfn: number, count: number): { slot: GmemSlot; from: number; n: number }[] {
  return [...vm.slots.values()]
    .filter((slot) => hasGmem(slot) && slot.isInPlace)
    .map((slot) => {
      const from = Math.max(gfn, slot.gfn);
      return { slot: slot as GmemSlot, from, n: Math.min(gfn + count, slot.gfn + slot.pages) - from };
    })
    .filter(({ n }) => n > 0)
    .sort((a, b) => a.from - b.from);
}

/** Attributes that the VM keeps (mem_attr_array). */
function setOfVm(kvm: Kvm, vm: Vm, task: Task, gfn: number, count: number, to: 'private' | 'shared'): void {
  zapGfns(kvm, vm, gfn, count, to === 'private' ? 'shared' : 'private');
  const { kernel } = kvm;
  if (to === 'private') {
    vm.privateGfns.add(gfn, count);
    allocateXarrayNodes(kernel, task, vm.attributeSlab, vm.attributeNodes.add(gfn, count));
  } else {
    vm.privateGfns.remove(gfn, count);
    const isEmpty = (at: number, n: number): boolean => vm.privateGfns.countIn(at, n) === 0;
    freeXarrayNodes(kernel, vm.attributeSlab, vm.attributeNodes.remove(gfn, count, isEmpty));
  }
}
