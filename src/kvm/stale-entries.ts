import type { GmemStretch } from '../kernel/gmem-stretch.ts';
import { clipLane, type Lane } from '../units/lanes.ts';
import type { Kvm } from './kvm.ts';
import type { MemSlot } from './memslot.ts';
import type { Vm } from './vm.ts';

/** Entries that came to point at a wrong frame at once: guest frames of a slot. */
export interface StaleEntries {
  vm: Vm;
  slot: MemSlot;
  gfns: Lane[];
}

/**
 * Pages of a gmem left their frames: second-level entries that were not zapped before go on pointing there, since such an entry holds no
 * reference to its page. One that was stale already stays what it is.
 */
export function leaveStale(kvm: Kvm, stretch: GmemStretch): void {
  const vm = kvm.vmOfGmem.get(stretch.inode);
  for (const slot of vm?.slots.values() ?? []) {
    if (!vm || slot.gmem !== stretch.inode || slot.mapped.size === 0) continue;
    const inside = clipLane(stretch, slot.gmemIndex, slot.gmemIndex + slot.pages);
    if (!inside) continue;
    const gfns: Lane[] = [];
    for (const part of slot.mapped.among(inside, true)) {
      const index = part.index + slot.gfn - slot.gmemIndex;
      const pfn = stretch.pfn + (part.index - stretch.index) / stretch.stride;
      gfns.push(...vm.staleEntries.add({ ...part, index, pfn, step: part.stride / stretch.stride }));
    }
    if (gfns.length > 0) kvm.onStaleEntries({ vm, slot, gfns });
  }
}
