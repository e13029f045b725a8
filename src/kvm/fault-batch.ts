import type { Shortage } from '../kernel/memory-pressure.ts';
import { fillPages } from '../kernel/page-cache.ts';
import { markDirty } from '../kernel/folio-flags.ts';
import { isGmemHuge } from '../kernel/gmem-huge.ts';
import type { Task } from '../kernel/task.ts';
import { SinglePages } from '../units/page-runs.ts';
import { NO_KVM_HOOKS } from './hooks.ts';
import type { Kvm } from './kvm.ts';
import { type GmemSlot, hasGmem } from './memslot.ts';
import { type GuestExit, guestAccess } from './page-fault.ts';
import { linkTables, startRunning } from './vcpu.ts';
import type { Vm } from './vm.ts';

/**
 * A guest writes to single frames in the order given, none of them twice. Private pages that are allocated for the first time go
 * through together: frames are taken in that order, once for the whole stretch, and so are the page-table pages before them. Everything
 * else is an access of its own (page-fault.ts). Returns null, or the exit that stopped it.
 */
export function guestAccessPages(
  kvm: Kvm,
  vm: Vm,
  task: Task,
  gfns: Float64Array,
  length: number,
): GuestExit | null {
  const { kernel } = kvm;
  startRunning(kernel, vm, task);
  const fresh: Fresh = { indices: new Float64Array(length), slots: [] };
  let slot = null as GmemSlot | null;
  let takesAll = false;
  const flush = (): GuestExit | null => {
    const exit = fresh.slots.length > 0 ? faultFresh(kvm, vm, task, fresh) : null;
    fresh.slots.length = 0;
    return exit;
  };
  for (let i = 0; i < length; i++) {
    const gfn = gfns[i]!;
    if (slot === null || gfn < slot.gfn || gfn >= slot.gfn + slot.pages) {
      const found = vm.slotAt(gfn);
      const next = found && hasGmem(found) && !isGmemHuge(kernel, found.gmem) ? found : null;
      // Slots of one file go through together.
      if (next?.gmem !== slot?.gmem) {
        const exit = flush();
        if (exit) return exit;
      }
      slot = next;
      takesAll = slot !== null && (slot.isGmemOnly || slot.isInPlace);
    }
    if (slot !== null && isFresh(vm, slot, gfn, takesAll)) {
      fresh.indices[fresh.slots.length] = slot.gmemIndex + gfn - slot.gfn;
      fresh.slots.push(slot);
      continue;
    }
    const exit = flush() ?? guestAccess(kvm, vm, task, gfn, 1, 'attribute');
    if (exit) return exit;
  }
  return flush();
}

/** Pages of one file that faults are about to allocate, and the slot of each. */
interface Fresh {
  indices: Float64Array;
  slots: GmemSlot[];
}

/** Whether an access to a frame allocates a page of the gmem; `takesAll`: the slot has nothing else. */
function isFresh(vm: Vm, slot: GmemSlot, gfn: number, takesAll: boolean): boolean {
  return (takesAll || vm.privateGfns.has(gfn)) && !slot.gmem.cache.has(slot.gmemIndex + gfn - slot.gfn);
}

function faultFresh(kvm: Kvm, vm: Vm, task: Task, { indices, slots }: Fresh): GuestExit | null {
  const { kernel, hooks } = kvm;
  const n = slots.length;
  const { gmem } = slots[0]!;
  const gfnOf = (i: number): number => indices[i]! + slots[i]!.gfn - slots[i]!.gmemIndex;
  const exitAt = (i: number, errno: GuestExit['errno']): GuestExit => ({
    reason: 'KVM_EXIT_MEMORY_FAULT',
    errno,
    gfn: gfnOf(i),
    isPrivate: true,
  });
  let tables = 0;
  for (let i = 0; i < n; i++) tables += vm.tables.add(gfnOf(i), 1);
  linkTables(kernel, vm, task, tables);
  const refused = hooks.faulting === NO_KVM_HOOKS.faulting ? null : prepareFaults(kvm, slots, task);
  if (refused) return exitAt(0, refused);
  const answer = fillPages(kernel, task, gmem, indices, n);
  // One structure after the other: the look-ups of a loop do not wait for each other, so their cache misses overlap.
  for (let i = 0; i < answer.count; i++) slots[i]!.mapped.addOne(indices[i]!);
  if (kernel.profile.guestFaultDirties) {
    for (let i = 0; i < answer.count; i++) markDirty(kernel, gmem.cache.get(indices[i]!), 1);
  }
  const mapped = indices.subarray(0, answer.count);
  const bySlot = new Set(slots.slice(0, answer.count));
  for (const slot of bySlot) {
    const own = bySlot.size === 1 ? mapped : mapped.filter((_, i) => slots[i] === slot);
    hooks.tdpMapped(slot, new SinglePages(own));
  }
  return answer.failed && exitAt(answer.count, answer.failed);
}

/** None of the pages is there yet. */
function prepareFaults(kvm: Kvm, slots: readonly GmemSlot[], task: Task): Shortage | null {
  for (const slot of new Set(slots)) {
    const refused = kvm.hooks.faulting(slot, slots.filter((one) => one === slot).length, 0, task);
    if (refused) return refused;
  }
  return null;
}
