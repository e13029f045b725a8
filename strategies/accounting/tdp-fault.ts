import type {
  Hooks,
  KernelView,
  Options,
  PageMap,
  PageRuns,
  Part,
  Proc,
  Slot,
  Thread,
} from '../../src/strategy/contract.ts';

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
      counter: {
        type: 'string',
        default: 'file',
        enum: ['file', 'own'],
        description:
          'which RSS counter: MM_FILEPAGES, or a new one, which VmRSS includes and RssFile and SHR do not',
      },
      roots: {
        type: 'string',
        default: 'once',
        enum: ['once', 'each'],
        description:
          'a page that several second-level page tables map (SMM, a guest in the guest) counts once, or for each (only with at=tdp)',
      },
      precharge: {
        type: 'boolean',
        default: false,
        description:
          'each fault charges a page before it takes mmu_lock, under which nothing may sleep, and gives the charge back where the page is there already (only with at=tdp)',
      },
      relieve: {
        type: 'string',
        default: 'exit',
        enum: ['exit', 'free'],
        description:
          'when an exiting process is relieved: as it exits, or when the pages are freed, which is too late for its counters (only with at=allocation)',
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
    ...(options['counter'] === 'own'
      ? { statusLines: (process: Proc) => [{ name: 'RssGmem', kb: view.ownRss(process) * 4 }] }
      : {}),
    ...(options['at'] === 'allocation' ? countAllocated(view, options) : countMapped(view, options)),
  }),
};

/** Counts each private frame while the guest's page table maps it. */
function countMapped(view: KernelView, options: Options): Hooks {
  const takesBack = options['uncharge'] === true;
  const counter = counterOf(options);
  const reason = 'mapped into the guest';
  const add = ({ vm: { process } }: Slot, pages: PageRuns): void => {
    view.count('RSS counter update', pages.total);
    if (process.isAlive) view.addRss(process, pages.total, reason, counter);
  };
  const takeBack = ({ vm: { process } }: Slot, pages: PageRuns): void => {
    if (!takesBack) return;
    view.count('RSS counter update', pages.total);
    if (process.hasCounters) view.addRss(process, -pages.total, reason, counter);
  };
  const faulting = (
    slot: Slot,
    pages: number,
    present: number,
    by: Thread,
  ): ReturnType<KernelView['tryCharge']> => {
    view.count('precharge before mmu_lock', pages);
    // A page that is missing takes the charge.
    if (present === 0) return null;
    const refused = view.tryCharge(slot.gmem, by);
    if (!refused) view.count('precharge given back', present);
    return refused;
  };
  const precharge = options['precharge'] === true ? { faulting } : {};
  const others = options['roots'] === 'each' ? { rootMapped: add, rootZapped: takeBack } : {};
  return { tdpMapped: add, tdpZapped: takeBack, ...precharge, ...others };
}

const counterOf = (options: Options): 'file' | 'gmem' => (options['counter'] === 'own' ? 'gmem' : 'file');

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
  const counter = counterOf(options);
  const files = new Map<number, CountedFile>();
  // Pages are freed after the address space whose counters they are in.
  const isLate = options['relieve'] === 'free';
  const byPid = new Map<number, Proc>();

  const add = (file: CountedFile, process: Proc, count: number): void => {
    file.pages.set(process, (file.pages.get(process) ?? 0) + count);
    view.count('RSS counter update', Math.abs(count));
    view.addRss(process, count, 'allocated', counter);
  };
  const takeBack = (file: CountedFile, process: Proc, count: number): void => {
    if (file.pages.has(process) && process.hasCounters) add(file, process, -count);
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
      if (isLate) return;
      const file = files.get(gmem.id);
      files.delete(gmem.id);
      file?.owners?.clear(0, gmem.sizePages, () => undefined);
      if (!file || !takesBack) return;
      for (const [process, pages] of file.pages) if (pages > 0) add(file, process, -pages);
    },
    // The counters are checked when the address space goes; memory that others keep alive is nobody's from here on.
    exiting: (process) => {
      if (!takesBack || isLate) return;
      for (const file of files.values()) {
        const pages = file.pages.get(process) ?? 0;
        if (pages > 0) add(file, process, -pages);
        file.pages.delete(process);
      }
    },
  };
}

export default tdpFault;
