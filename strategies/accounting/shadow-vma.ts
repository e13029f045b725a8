import type { Part, Proc, Slot } from '../../src/strategy/contract.ts';

/** A VMA per memslot stands for the private pages, so that everything that walks VMAs sees them. */
export const shadowVma: Part = {
  meta: {
    axis: 'accounting',
    id: 'shadow-vma',
    title: 'Shadow VMAs',
    summary:
      'RSS, smaps, numa_maps, numastat and OOM badness all become right in one step; costs address space, host page tables, mmap_lock at conversions, and a mapping that tools meet and cannot read.',
    origin: 'what-if',
    source:
      'KVM Forum 2023, "Memory accounting: potential solutions"; Vlastimil Babka, RFC v11 thread, August 2023',
    options: {
      ptes: {
        type: 'string',
        default: 'allocation',
        enum: ['allocation', 'tdp', 'never'],
        description:
          'when PROT_NONE page-table entries are installed: at allocation, with the guest mapping, or never',
      },
      per: {
        type: 'string',
        default: 'slot',
        enum: ['slot', 'range'],
        description: 'one VMA for a memslot, or one for each private range of it',
      },
      listed: { type: 'boolean', default: true, description: 'shown in maps, smaps and numa_maps' },
      vsz: { type: 'boolean', default: true, description: 'counts in VmSize and against RLIMIT_AS' },
    },
  },
  create: (view, options) => {
    const { ptes } = options;
    const shadow = {
      countsInVm: options['vsz'] === true,
      isListed: options['listed'] === true,
      mirrors: ptes === 'allocation',
    };
    const perRange = options['per'] === 'range';
    const slots = new Map<number, Set<Slot>>();

    const mapRange = (process: Proc, slot: Slot, index: number, count: number): void => {
      if (!process.isAlive) return;
      view.count('mmap_lock for write');
      // What stands for some of the range already, from an older slot or conversion, gives way.
      view.unmapShadow(process, slot.gmem, index, count);
      const answer = view.mapShadow(process, slot.gmem, index, count, shadow);
      if (typeof answer === 'string') view.count(`shadow VMA failed with ${answer}`);
    };

    return {
      slotBound: (slot) => {
        const bound = slots.get(slot.gmem.id) ?? new Set<Slot>();
        slots.set(slot.gmem.id, bound.add(slot));
        const { vm } = slot;
        if (!perRange) mapRange(vm.process, slot, slot.gmemIndex, slot.pages);
        else {
          view.forEachPrivate(vm, slot.gfn, slot.pages, (gfn, count) =>
            mapRange(vm.process, slot, slot.gmemIndex + gfn - slot.gfn, count),
          );
        }
      },
      // Deleting a memslot frees no memory, so its VMA stays until the file goes.
      gmemReleased: (gmem) => {
        for (const slot of slots.get(gmem.id) ?? []) {
          view.unmapShadow(slot.vm.process, gmem, slot.gmemIndex, slot.pages);
        }
        slots.delete(gmem.id);
      },
      converted: (vm, gfn, count, to) => {
        if (!perRange) return;
        for (const bound of slots.values()) {
          for (const slot of bound) {
            const from = Math.max(gfn, slot.gfn);
            const n = Math.min(gfn + count, slot.gfn + slot.pages) - from;
            if (slot.vm !== vm || n <= 0) continue;
            const index = slot.gmemIndex + from - slot.gfn;
            if (to === 'private') mapRange(vm.process, slot, index, n);
            else {
              view.count('mmap_lock for write');
              view.unmapShadow(vm.process, slot.gmem, index, n);
            }
          }
        }
      },
      tdpMapped: (slot, pages) => {
        if (ptes === 'tdp') view.populateShadow(slot.gmem, pages);
      },
      tdpZapped: (slot, index, count) => {
        if (ptes === 'tdp') view.zapShadow(slot.gmem, index, count);
      },
    };
  },
};

export default shadowVma;
