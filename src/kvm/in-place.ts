import { GMEM_FLAG_INIT_SHARED, GMEM_FLAG_MMAP } from '../kernel/gmem-access.ts';
import type { Inode } from '../kernel/inode.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { RangeSet } from '../kernel/range-set.ts';
import { zapRange } from '../kernel/rmap.ts';
import type { Kvm } from './kvm.ts';
import type { MemSlot } from './memslot.ts';
import { zapGfns } from './tdp.ts';
import type { Vm } from './vm.ts';

/** Pages of a new gmem that are shared, where the file itself keeps that (in-place conversion, of files that can be mapped); else null. */
export function initialShares(kernel: Kernel, vm: Vm, flags: number, sizePages: number): RangeSet | null {
  const isKept = kernel.proposed.inPlaceConversion && vm.hasPrivateMemory && (flags & GMEM_FLAG_MMAP) !== 0;
  if (!isKept) return null;
  const shared = new RangeSet();
  if ((flags & GMEM_FLAG_INIT_SHARED) !== 0) shared.add(0, sizePages);
  return shared;
}

/** A slot takes over what its file says of each page (kvm_mem_is_private asks the file). */
export function adoptShares(vm: Vm, slot: MemSlot): void {
  const shared = slot.gmem?.sharedPages;
  if (!shared) return;
  vm.privateGfns.add(slot.gfn, slot.pages);
  const shift = slot.gfn - slot.gmemIndex;
  for (const run of shared.runs(slot.gmemIndex, slot.pages))
    vm.privateGfns.remove(run.start + shift, run.count);
}

/**
 * The proposed KVM_SET_MEMORY_ATTRIBUTES on a gmem, for guest frames of one slot: the guest's entries of the range go, on the way to private
 * those of processes, too, and the pages stay. Simplified: no page has references of other kinds, for which the real call refuses; its tree
 * of ranges is no memory that anything counts.
 */
export function convertInPlace(
  kvm: Kvm,
  slot: MemSlot & { gmem: Inode },
  gfn: number,
  count: number,
  to: 'private' | 'shared',
): void {
  const { vm, gmem } = slot;
  const index = slot.gmemIndex + gfn - slot.gfn;
  if (to === 'private') unmapFile(kvm.kernel, gmem, index, count);
  zapGfns(kvm, vm, gfn, count, to === 'private' ? 'shared' : 'private');
  if (to === 'private') {
    gmem.sharedPages!.remove(index, count);
    vm.privateGfns.add(gfn, count);
  } else {
    gmem.sharedPages!.add(index, count);
    vm.privateGfns.remove(gfn, count);
  }
}

/** unmap_mapping_pages; a shadow VMA stands for private pages, and keeps its entries. */
function unmapFile(kernel: Kernel, gmem: Inode, index: number, count: number): void {
  for (const { mm, vma } of Array.from(gmem.mappings)) {
    if (vma.isShadow) continue;
    const from = Math.max(index, vma.pgoff);
    const n = Math.min(index + count, vma.pgoff + vma.end - vma.start) - from;
    if (n > 0) zapRange(kernel, mm, vma.start + from - vma.pgoff, n, 'file');
  }
}
