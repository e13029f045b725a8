import type { Options, Part, Proc, Slot } from '../../src/strategy/contract.ts';

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
      holders: {
        type: 'string',
        default: 'vm',
        enum: ['vm', 'all'],
        description: "who gets the VMA: the VM's process, or every process that holds the file",
      },
      entries: {
        type: 'string',
        default: 'page',
        enum: ['page', 'mixed', 'pfn'],
        description:
          'what an entry is: that of a page; the same in a VM_MIXEDMAP, whose entries fork copies; or a frame number (VM_PFNMAP), which counts nowhere',
      },
      dontcopy: { type: 'boolean', default: true, description: 'VM_DONTCOPY: fork leaves it out' },
      dontexpand: {
        type: 'boolean',
        default: true,
        description: 'VM_DONTEXPAND: mremap may not grow it, mlock passes it over',
      },
      dontdump: { type: 'boolean', default: true, description: 'VM_DONTDUMP: core dumps leave it out' },
      'may-access': {
        type: 'boolean',
        default: false,
        description: 'VM_MAYREAD and VM_MAYWRITE stay set, so that debuggers read it and MADV_REMOVE punches',
      },
      accessible: {
        type: 'boolean',
        default: false,
        description:
          'VM_READ and VM_WRITE are set, though no entry gives access: NUMA balancing then scans it, and no hint comes of it',
      },
      sealed: {
        type: 'boolean',
        default: false,
        description: 'mseal: it can be neither unmapped, replaced nor resized',
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
      flags: vmFlags(options),
    };
    const mayHold = options['holders'] === 'all';
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

    /** Who has a VMA for a slot, beside the VM's process those that hold the file. */
    const viewers = ({ vm, gmem }: Slot): readonly Proc[] =>
      mayHold ? [vm.process, ...view.holdersOf(gmem).filter((one) => one !== vm.process)] : [vm.process];

    const mapSlot = (process: Proc, slot: Slot): void => {
      if (!perRange) mapRange(process, slot, slot.gmemIndex, slot.pages);
      else {
        view.forEachPrivate(slot.vm, slot.gfn, slot.pages, (gfn, count) =>
          mapRange(process, slot, slot.gmemIndex + gfn - slot.gfn, count),
        );
      }
    };

    return {
      slotBound: (slot) => {
        const bound = slots.get(slot.gmem.id) ?? new Set<Slot>();
        slots.set(slot.gmem.id, bound.add(slot));
        for (const process of viewers(slot)) mapSlot(process, slot);
      },
      // The child has the parent's descriptors, and no VMA of its own yet.
      forked: (_parent, child) => {
        if (!mayHold || options['dontcopy'] !== true) return;
        for (const slot of [...slots.values()].flatMap((bound) => [...bound])) {
          if (view.holdersOf(slot.gmem).includes(child)) mapSlot(child, slot);
        }
      },
      // Deleting a memslot frees no memory, so its VMA stays until the file goes.
      gmemReleased: (gmem) => {
        for (const slot of slots.get(gmem.id) ?? []) view.unmapShadow(null, gmem, slot.gmemIndex, slot.pages);
        slots.delete(gmem.id);
      },
      converted: (vm, gfn, count, to) => {
        if (!perRange) return;
        for (const slot of [...slots.values()].flatMap((bound) => [...bound])) {
          const from = Math.max(gfn, slot.gfn);
          const n = Math.min(gfn + count, slot.gfn + slot.pages) - from;
          if (slot.vm !== vm || n <= 0) continue;
          const index = slot.gmemIndex + from - slot.gfn;
          for (const process of viewers(slot)) {
            if (to === 'private') mapRange(process, slot, index, n);
            else {
              view.count('mmap_lock for write');
              view.unmapShadow(process, slot.gmem, index, n);
            }
          }
        }
      },
      tdpMapped: (slot, pages) => {
        if (ptes === 'tdp') view.populateShadow(slot.gmem, pages);
      },
      tdpZapped: (slot, pages) => {
        if (ptes === 'tdp') view.zapShadow(slot.gmem, pages);
      },
    };
  },
};

/** The flags of the VMA, in the letters of smaps. */
function vmFlags(options: Options): string[] {
  const entries = { page: [], mixed: ['mm'], pfn: ['pf', 'io'] }[String(options['entries'])] ?? [];
  return [
    ...(options['accessible'] === true ? ['rd', 'wr', 'mr', 'mw'] : []),
    ...(options['dontcopy'] === true ? ['dc'] : []),
    ...(options['dontexpand'] === true || options['entries'] === 'pfn' ? ['de'] : []),
    ...(options['dontdump'] === true || options['entries'] === 'pfn' ? ['dd'] : []),
    ...(options['may-access'] === true && options['accessible'] !== true ? ['mr', 'mw'] : []),
    ...(options['sealed'] === true ? ['sl'] : []),
    ...entries,
  ];
}

export default shadowVma;
