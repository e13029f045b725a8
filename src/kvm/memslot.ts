import type { Inode } from '../kernel/inode.ts';
import type { KernelPages } from '../kernel/kernel-pages.ts';
import type { LaneSet } from '../kernel/lane-set.ts';
import type { Vm } from './vm.ts';

/** A range of guest memory (struct kvm_memory_slot). Frame numbers are guest frames of 4 KiB. */
export interface MemSlot {
  readonly id: number;
  readonly vm: Vm;
  readonly gfn: number;
  readonly pages: number;
  /** Page number of userspace_addr; 0 when there is none. */
  readonly userspaceVpn: number;
  /** Private memory; null for an ordinary slot, and once the file is gone. */
  gmem: Inode | null;
  readonly gmemIndex: number;
  /** Shared and private faults alike come from the gmem (KVM_MEMSLOT_GMEM_ONLY, 6.18). */
  readonly isGmemOnly: boolean;
  /** Private and shared frames alike come from the gmem, which says of each page what it is (in-place conversion). */
  readonly isInPlace: boolean;
  /**
   * Pages of the gmem, by their index, that second-level entries map. Such an entry points at the frame that the file holds there, or else
   * stands in the VM's `staleEntries`: whoever takes a frame out of the file ought to zap the entry first.
   */
  readonly mapped: LaneSet;
  /** Where huge entries may not stand, by block of 2 MiB and of 1 GiB (struct kvm_lpage_info): arrays of vmalloc. */
  readonly lpageInfo: KernelPages;
}

/** A slot that is bound to a gmem. */
export interface GmemSlot extends MemSlot {
  gmem: Inode;
}

/** Whether private memory stands behind a slot. */
export const hasGmem = (slot: MemSlot): slot is GmemSlot => slot.gmem !== null;
