import { fillPages } from '../kernel/page-cache.ts';
import { markDirty } from '../kernel/folio-flags.ts';
import type { Task } from '../kernel/task.ts';
import { SinglePages } from '../units/page-runs.ts';
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
  startRunning(kvm.kernel, vm, task);
  const fresh = new Float64Array(length);
  let n = 0;
  let slot: GmemSlot | null = null;
  const flush = (): GuestExit | null => {
    const exit = n > 0 ? faultFresh(kvm, vm, slot!, task, fresh, n) : null;
    n = 0;
    return exit;
  };
  for (let i = 0; i < length; i++) {
    const gfn = gfns[i]!;
    if (slot === null || gfn < slot.gfn || gfn >= slot.gfn + slot.pages) {
      const exit = flush();
      if (exit) return exit;
      const found = vm.slotAt(gfn);
      slot = found && hasGmem(found) ? found : null;
    }
    if (slot !== null && isFresh(vm, slot, gfn)) {
      fresh[n++] = slot.gmemIndex + gfn - slot.gfn;
      continue;
    }
    const exit = flush() ?? guestAccess(kvm, vm, task, gfn, 1, 'attribute');
    if (exit) return exit;
  }
  return flush();
}

/** Whether an access to a frame allocates a private page. */
function isFresh(vm: Vm, slot: GmemSlot, gfn: number): boolean {
  return (
    (slot.isGmemOnly || vm.privateGfns.has(gfn)) && !slot.gmem.cache.has(slot.gmemIndex + gfn - slot.gfn)
  );
}

function faultFresh(
  kvm: Kvm,
  vm: Vm,
  slot: GmemSlot,
  task: Task,
  indices: Float64Array,
  n: number,
): GuestExit | null {
  const { kernel, hooks } = kvm;
  const shift = slot.gfn - slot.gmemIndex;
  let tables = 0;
  for (let i = 0; i < n; i++) tables += vm.tables.add(indices[i]! + shift, 1);
  linkTables(kernel, vm, task, tables);
  const answer = fillPages(kernel, task, slot.gmem, indices, n);
  // One structure after the other: the look-ups of a loop do not wait for each other, so their cache misses overlap.
  for (let i = 0; i < answer.count; i++) slot.mapped.addOne(indices[i]!);
  if (kernel.profile.guestFaultDirties) {
    for (let i = 0; i < answer.count; i++) markDirty(kernel, slot.gmem.cache.get(indices[i]!), 1);
  }
  if (answer.count > 0) hooks.tdpMapped(slot, new SinglePages(indices, answer.count));
  if (!answer.failed) return null;
  const gfn = indices[answer.count]! + shift;
  return { reason: 'KVM_EXIT_MEMORY_FAULT', errno: answer.failed, gfn, isPrivate: true };
}
