import type { Gmem, Part } from '../../src/strategy/contract.ts';

/** What Linux does: private memory is page cache, charged to the memcg of whoever allocates it, and belongs to no process. */
export const pageCache: Part = {
  meta: {
    axis: 'accounting',
    id: 'page-cache',
    title: 'Page cache and memcg only',
    summary:
      'Node and memcg counters are right at no cost beyond the page cache; no process interface shows a byte.',
    origin: 'mainline',
    source: 'mm/filemap.c:__filemap_add_folio and virt/kvm/guest_memfd.c:kvm_gmem_get_folio, Linux 6.12',
    options: {
      charge: {
        type: 'string',
        default: 'current',
        enum: ['current', 'vm'],
        description: "whose memcg pays: the allocating thread's, or that of the VM's process",
      },
    },
  },
  create: (view, options) =>
    options['charge'] === 'vm' ? { chargeTo: (gmem: Gmem) => view.livingOwner(gmem) } : {},
};

export default pageCache;
