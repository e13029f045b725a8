import type { Part } from '../../src/strategy/contract.ts';

/** rmap through shadow VMAs: whether mm may isolate a private page to move it. */
export const shadowRmap: Part = {
  meta: {
    axis: 'migration',
    id: 'shadow-rmap',
    title: 'rmap through shadow VMAs',
    summary:
      'migrate_pages() finds the shadow VMA and fires MMU notifiers for it; KVM must learn to look slots up by shadow addresses.',
    origin: 'what-if',
    source: 'KVM Forum 2023, "Memory accounting: potential solutions"',
    options: {},
  },
  create: () => ({
    mayMigrate: () => true,
  }),
};

export default shadowRmap;
