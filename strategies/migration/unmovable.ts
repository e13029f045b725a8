import type { Part } from '../../src/strategy/contract.ts';

/** AS_INACCESSIBLE: compaction passes private pages over, and every other mover is refused (EOPNOTSUPP). */
export const unmovable: Part = {
  meta: {
    axis: 'migration',
    id: 'unmovable',
    title: 'Never moved',
    summary:
      'Isolation skips or refuses every private page, so nothing can go wrong; blocks with private pages are never compacted, offlined or rebalanced.',
    origin: 'mainline',
    source:
      'mm/migrate.c:move_to_new_folio and mm/compaction.c:isolate_migratepages_block, Linux 6.12 (AS_INACCESSIBLE)',
    options: {},
  },
  create: () => ({}),
};

export default unmovable;
