import type { Part } from '../../src/strategy/contract.ts';

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
    options: {},
  },
  create: () => ({}),
};

export default pageCache;
