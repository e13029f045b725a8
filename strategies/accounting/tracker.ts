import type { Gmem, Part, Proc } from '../../src/strategy/contract.ts';

/** A register of private memory beside the VMAs: counters per file and node, shown where somebody asks for them. */
export const tracker: Part = {
  meta: {
    axis: 'accounting',
    id: 'tracker',
    title: 'Tracker without VMAs',
    summary:
      'Exact per file and node, also for memory that nobody maps and with memcg off; every tool must learn it, and RSS and the OOM killer know nothing of it unless told.',
    origin: 'what-if',
    source: 'KVM Forum 2023, "completely separate alternative to using VMAs for accounting"',
    options: {
      oom: { type: 'boolean', default: false, description: 'tracked pages count in OOM badness' },
      show: {
        type: 'string',
        default: 'fdinfo',
        enum: ['fdinfo', 'procfs', 'both'],
        description: 'where it shows: keys of fdinfo, a file /proc/PID/gmem, or both',
      },
      readable: {
        type: 'string',
        default: 'all',
        enum: ['all', 'owner'],
        description:
          'who may read /proc/PID/gmem: everybody, or whoever may trace the process, as for its smaps',
      },
      status: { type: 'boolean', default: false, description: 'adds a line RssGmem to /proc/PID/status' },
    },
  },
  create: (view, options) => {
    const files = new Map<number, { gmem: Gmem; creator: Proc; nodes: Float64Array; mapped: number }>();

    /** A file counts for its VM's process while that lives, then for whoever still holds it. */
    const ownerOf = (gmem: Gmem, creator: Proc): Proc | null =>
      creator.isAlive ? creator : (view.holdersOf(gmem)[0] ?? null);

    const owned = (process: Proc): number => {
      let pages = 0;
      for (const { gmem, creator, nodes } of files.values()) {
        if (ownerOf(gmem, creator) === process) pages += sum(nodes) - view.mappedPages(gmem);
      }
      return pages;
    };

    const lines = (gmem: Gmem): { key: string; value: string }[] => {
      const file = files.get(gmem.id);
      if (!file) return [];
      const kb = (pages: number): string => `${pages * 4} kB`;
      return [
        { key: 'gmem_size', value: kb(gmem.sizePages) },
        { key: 'gmem_pages', value: kb(sum(file.nodes)) },
        { key: 'gmem_mapped', value: kb(file.mapped) },
        ...Array.from(file.nodes, (pages, nid) => ({ key: `gmem_node${nid}`, value: kb(pages) })),
      ];
    };

    return {
      gmemCreated: (gmem, _by, vm) => {
        const nodes = new Float64Array(view.nodeCount);
        files.set(gmem.id, { gmem, creator: vm.process, nodes, mapped: 0 });
        view.hold('node-counter', view.nodeCount);
      },
      gmemReleased: () => view.hold('node-counter', -view.nodeCount),
      folioAllocated: (gmem, pages, nodes) => {
        const file = files.get(gmem.id);
        if (!file) return;
        for (let nid = 0; nid < nodes.length; nid++) file.nodes[nid] = file.nodes[nid]! + nodes[nid]!;
        view.count('tracker counter update', pages.total);
      },
      folioFreed: (gmem, _index, count, nodes) => {
        const file = files.get(gmem.id);
        if (!file) return;
        for (let nid = 0; nid < nodes.length; nid++) file.nodes[nid] = file.nodes[nid]! - nodes[nid]!;
        view.count('tracker counter update', count);
      },
      folioMoved: (gmem, pages, from, to) => {
        const file = files.get(gmem.id);
        if (!file) return;
        for (let nid = 0; nid < from.length; nid++)
          file.nodes[nid] = file.nodes[nid]! + to[nid]! - from[nid]!;
        view.count('tracker counter update', 2 * pages.total);
      },
      tdpMapped: (slot, pages) => {
        const file = files.get(slot.gmem.id);
        if (file) file.mapped += pages.total;
      },
      tdpZapped: (slot, pages) => {
        const file = files.get(slot.gmem.id);
        if (file) file.mapped -= pages.total;
      },
      oomPages: (process) => (options['oom'] === true ? owned(process) : 0),
      statusLines: (process) =>
        options['status'] === true ? [{ name: 'RssGmem', kb: owned(process) * 4 }] : [],
      fdinfoLines: (_process, gmem) => (options['show'] === 'procfs' ? [] : lines(gmem)),
      isWorldReadable: () => options['readable'] === 'all',
      procFiles: (process) => {
        if (options['show'] === 'fdinfo') return {};
        const text = [...files.values()]
          .filter(({ gmem, creator }) => ownerOf(gmem, creator) === process)
          .map(({ gmem }) =>
            [`${gmem.name}:`, ...lines(gmem).map(({ key, value }) => ` ${key}: ${value}`)].join('\n'),
          )
          .join('\n');
        return { gmem: text === '' ? '' : `${text}\n` };
      },
    };
  },
};

const sum = (numbers: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < numbers.length; i++) total += numbers[i]!;
  return total;
};

export default tracker;
