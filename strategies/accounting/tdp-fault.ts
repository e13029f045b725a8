import type { Gmem, Hooks, KernelView, Options, PageMap, Part, Proc } from '../../src/strategy/contract.ts';

/** RSS raised where KVM maps a page into the guest, or where the page is allocated. */
export const tdpFault: Part = {
  meta: {
    axis: 'accounting',
    id: 'tdp-fault',
    title: 'RSS counted by KVM',
    summary:
      'RES and OOM badness see private memory without any VMA; smaps and numa_maps still do not, RSS may exceed VmSize, and somebody must undo every addition.',
    origin: 'proposed',
    source:
      'Nikunj Dadhania, RFC v11 thread, July 2023; KVM Forum 2023, "Duplicate that accounting when mapping gmem pages into TDP? During initial allocation?"',
    options: {
      at: {
        type: 'string',
        default: 'tdp',
        enum: ['tdp', 'allocation'],
        description: 'count pages while the guest maps them, or from allocation to free',
      },
      owner: {
        type: 'string',
        default: 'vm',
        enum: ['vm', 'current'],
        description: "whose RSS: the VM's process, or whoever allocates (only with at=allocation)",
      },
      charge: {
        type: 'string',
        default: 'current',
        enum: ['current', 'vm'],
        description: "whose memcg pays: the allocating thread's, or that of the VM's process",
      },
      uncharge: {
        type: 'boolean',
        default: true,
        description:
          'take pages back when they are zapped or freed; false shows the "Bad rss-counter" of a design that forgets',
      },
    },
  },
  create: (view, options) => ({
    ...(options['at'] === 'allocation' ? countAllocated(view, options) : countMapped(view, options)),
    ...(options['charge'] === 'vm' ? { chargeTo: (gmem: Gmem) => view.livingOwner(gmem) } : {}),
  }),
};

/** Counts each private frame while the guest's page table maps it. */
function countMapped(view: KernelView, options: Options): Hooks {
  const takesBack = options['uncharge'] === true;
  return {
    tdpMapped: (slot, pages) => {
      view.count('RSS counter update', pages.total);
      if (slot.vm.process.isAlive) view.addRss(slot.vm.process, pages.total, 'mapped into the guest');
    },
    tdpZapped: (slot, _index, count) => {
      if (!takesBack) return;
      view.count('RSS counter update', count);
      if (slot.vm.process.hasCounters) view.addRss(slot.vm.process, -count, 'mapped into the guest');
    },
  };
}

/** What is counted for the pages of one file. */
interface CountedFile {
  /** Pages by the process that they count for. */
  pages: Map<Proc, number>;
  /** Who was counted for each page; absent where that is one process for the whole file. */
  owners: PageMap | null;
}

/** Counts each page from allocation to free, in the name of one process that is remembered for it. */
function countAllocated(view: KernelView, options: Options): Hooks {
  const takesBack = options['uncharge'] === true;
  const byCurrent = options['owner'] === 'current';
  const files = new Map<number, CountedFile>();
  const byPid = new Map<number, Proc>();

  const add = (file: CountedFile, process: Proc, count: number): void => {
    file.pages.set(process, (file.pages.get(process) ?? 0) + count);
    view.count('RSS counter update', Math.abs(count));
    view.addRss(process, count, 'allocated');
  };
  const takeBack = (file: CountedFile, process: Proc, count: number): void => {
    if (file.pages.has(process)) add(file, process, -count);
  };

  return {
    folioAllocated: (gmem, pages, _nodes, by) => {
      const owner = byCurrent ? by.process : view.vmOf(gmem).process;
      if (!owner.hasCounters) return;
      let file = files.get(gmem.id);
      if (!file) {
        file = { pages: new Map(), owners: byCurrent ? view.newPageMap() : null };
        files.set(gmem.id, file);
      }
      if (file.owners) {
        const { owners } = file;
        pages.forEach((index, count) => owners.set(index, count, owner.pid));
        byPid.set(owner.pid, owner);
      }
      add(file, owner, pages.total);
    },
    folioFreed: (gmem, index, count) => {
      const file = files.get(gmem.id);
      if (!file || !takesBack) return;
      if (file.owners) {
        file.owners.clear(index, count, (_at, n, pid) => takeBack(file, byPid.get(pid)!, n));
      } else for (const process of file.pages.keys()) takeBack(file, process, count);
    },
    // The file lets go of the VM, and with it of the counters, before its pages are freed.
    gmemReleased: (gmem) => {
      const file = files.get(gmem.id);
      files.delete(gmem.id);
      if (!file || !takesBack) return;
      for (const [process, pages] of file.pages) if (pages > 0) add(file, process, -pages);
    },
    // The counters are checked when the address space goes; memory that others keep alive is nobody's from here on.
    exiting: (process) => {
      if (!takesBack) return;
      for (const file of files.values()) {
        const pages = file.pages.get(process) ?? 0;
        if (pages > 0) add(file, process, -pages);
        file.pages.delete(process);
      }
    },
  };
}

export default tdpFault;
