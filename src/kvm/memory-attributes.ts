import { allocateXarrayNodes, freeXarrayNodes } from '../kernel/slab.ts';
import type { Task } from '../kernel/task.ts';
import type { Errno } from '../units/errno.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import type { Kvm } from './kvm.ts';
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
  kvm.hooks.converted(vm, gfn, count, to);
  return 0;
}
