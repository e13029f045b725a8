import type { Part } from '../../src/strategy/contract.ts';

/** What Linux does up to 6.18: the thread that allocates decides, and there is nothing to bind. */
export const taskPolicy: Part = {
  meta: {
    axis: 'placement',
    id: 'task-policy',
    title: 'Policy of the allocating thread',
    summary:
      'Needs nothing new, but whichever thread touches a page first decides its node, and no file can be bound.',
    origin: 'mainline',
    source:
      'mm/filemap.c:filemap_alloc_folio, Linux 6.12: the mempolicy of current, by its interleave counter',
    options: {},
  },
  create: () => ({
    // mmap of a gmem fails, so there is no address to call mbind on.
    policyWish: () => 'ENODEV',
  }),
};

export default taskPolicy;
