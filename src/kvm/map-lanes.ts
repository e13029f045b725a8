import { markDirty } from '../kernel/folio-flags.ts';
import { isGmemHuge } from '../kernel/gmem-huge.ts';
import type { Shortage } from '../kernel/memory-pressure.ts';
import { countOfLane, forEachFrameOfLane } from '../kernel/pfn-map.ts';
import type { Task } from '../kernel/task.ts';
import { PageLane } from '../units/page-runs.ts';
import type { Kvm } from './kvm.ts';
import type { GmemSlot } from './memslot.ts';
import { hasTables, prepareTables } from './vcpu.ts';
import type { Vm } from './vm.ts';

/**
 * Faults on every n-th page of a range that is in the file as a whole and whose page tables are there: what a guest does when it comes back to
 * memory of which one node's part was moved. Nothing is allocated, so that the order of these faults is nobody's business. Other ranges, and
 * pages in a row, are left to the caller. Returns why a design refused.
 */
export function mapLanes(
  kvm: Kvm,
  vm: Vm,
  slot: GmemSlot,
  task: Task,
  index: number,
  count: number,
): Shortage | null {
  const { kernel } = kvm;
  const { cache } = slot.gmem;
  if (!slot.mapped.isStriped || isGmemHuge(kernel, slot.gmem)) return null;
  if (countOfLane(cache, { index, count, stride: 1 }) < count) return null;
  if (!hasTables(vm, slot.gfn + index - slot.gmemIndex, count)) return null;
  for (const lane of slot.mapped.gapLanes(index, count)) {
    if (lane.stride === 1) continue;
    const refused = kvm.hooks.faulting(slot, lane.count, lane.count, task);
    if (refused) return refused;
    prepareTables(kernel, vm, task);
    slot.mapped.addLane(lane);
    if (kernel.profile.guestFaultDirties) {
      forEachFrameOfLane(cache, lane, (pfn, n) => markDirty(kernel, pfn, n));
    }
    kvm.hooks.tdpMapped(slot, new PageLane(lane));
  }
  return null;
}
