import type { Part } from '../../src/strategy/contract.ts';

/** gmem as a file like any other: migrate_pages() moves the page-cache slot, and zaps what reverse mapping finds, which is nothing. */
export const genericRmap: Part = {
  meta: {
    axis: 'migration',
    id: 'generic-rmap',
    title: 'Plain migrate_pages()',
    summary:
      'Lets every mover take private pages with the code there is; nothing maps them, so no notifier tells KVM and the guest keeps using the freed frame.',
    origin: 'what-if',
    source: 'KVM Forum 2023, "Page migration for memory compaction"',
    options: {},
  },
  create: () => ({
    mayMigrate: () => true,
  }),
};

export default genericRmap;
