import type { Inode } from '../kernel/inode.ts';
import type { Shortage } from '../kernel/memory-pressure.ts';
import type { Process, Task } from '../kernel/task.ts';
import type { PageRuns } from '../units/page-runs.ts';
import type { MemSlot } from './memslot.ts';
import type { Vm } from './vm.ts';

/** Where an accounting design may act in KVM. One fixed shape, absent ones are no-ops. Indices are pages of the gmem. */
export interface KvmHooks {
  gmemCreated: (gmem: Inode, by: Process, vm: Vm) => void;
  /** The last reference went; pages and bindings are still there. */
  gmemReleased: (gmem: Inode) => void;
  slotBound: (slot: MemSlot) => void;
  slotDeleted: (slot: MemSlot) => void;
  /** Faults on private pages are about to be answered, before mmu_lock is taken: how many of them have a page already. They may fail. */
  faulting: (slot: MemSlot, pages: number, present: number, by: Task) => Shortage | null;
  /** Second-level page-table entries for pages of a gmem were installed. */
  tdpMapped: (slot: MemSlot, pages: PageRuns) => void;
  tdpZapped: (slot: MemSlot, pages: PageRuns) => void;
  /** Another root maps pages that the guest's own maps already, and drops them again. */
  rootMapped: (slot: MemSlot, pages: PageRuns) => void;
  rootZapped: (slot: MemSlot, pages: PageRuns) => void;
  /** KVM_SET_MEMORY_ATTRIBUTES changed something in the range. */
  converted: (vm: Vm, gfn: number, count: number, to: 'private' | 'shared') => void;
}

export const NO_KVM_HOOKS: KvmHooks = {
  gmemCreated: () => undefined,
  gmemReleased: () => undefined,
  slotBound: () => undefined,
  slotDeleted: () => undefined,
  faulting: () => null,
  tdpMapped: () => undefined,
  tdpZapped: () => undefined,
  rootMapped: () => undefined,
  rootZapped: () => undefined,
  converted: () => undefined,
};
