import { forEachRange, type GmemStretch } from '../kernel/gmem-stretch.ts';
import type { Kvm } from './kvm.ts';
import type { MemSlot } from './memslot.ts';
import type { Vm } from './vm.ts';

/** Entries that came to point at a wrong frame at once: guest frames of a slot, in stretches. */
export interface StaleEntries {
  vm: Vm;
  slot: MemSlot;
  pages: { gfn: number; count: number }[];
}

/**
 * Pages of a gmem left their frames: second-level entries that were not zapped before go on pointing there, since such an entry holds no
 * reference to its page. One that was stale already stays what it is.
 */
export function leaveStale(kvm: Kvm, stretch: GmemStretch): void {
  const vm = kvm.vmOfGmem.get(stretch.inode);
  for (const slot of vm?.slots.values() ?? []) {
    if (!vm || slot.gmem !== stretch.inode || slot.mapped.size === 0) continue;
    const pages: StaleEntries['pages'] = [];
    forEachRange(stretch, (index, count, pfn) => {
      const from = Math.max(index, slot.gmemIndex);
      const n = Math.min(index + count, slot.gmemIndex + slot.pages) - from;
      if (n <= 0) return;
      for (const run of slot.mapped.runs(from, n)) {
        const gfn = slot.gfn + run.start - slot.gmemIndex;
        vm.staleEntries.forEachGap(gfn, run.count, (at, length) => {
          vm.staleEntries.setRun(at, length, 1, [pfn + run.start - index + at - gfn]);
          pages.push({ gfn: at, count: length });
        });
      }
    });
    if (pages.length > 0) kvm.onStaleEntries({ vm, slot, pages });
  }
}
