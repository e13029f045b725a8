import type { Part } from '../../src/strategy/contract.ts';

/** Reverse mapping finds entries of shadow VMAs. What that is good for depends on what KVM makes of the notifiers. */
export const shadowRmap: Part = {
  meta: {
    axis: 'migration',
    id: 'shadow-rmap',
    title: 'rmap through shadow VMAs',
    summary:
      'migrate_pages() finds the shadow VMA and fires MMU notifiers for it, so VMA-based movers reach private pages; cures nothing unless KVM learns to look its slots up by shadow addresses.',
    origin: 'what-if',
    source:
      'KVM Forum 2023, "Memory accounting: potential solutions"; virt/kvm/kvm_main.c:kvm_handle_hva_range, Linux 6.12 (slots by userspace_addr)',
    options: {
      'kvm-knows-shadow': {
        type: 'boolean',
        default: false,
        description: "KVM's MMU notifier looks up slots by the addresses of their shadow VMAs, too",
      },
    },
  },
  create: (view, options) => ({
    mayMigrate: () => true,
    shadowIsMigratable: () => true,
    shadowUnmapped: (gmem, pages, calls) => {
      view.count('MMU notifier for a shadow VMA', calls);
      if (options['kvm-knows-shadow'] === true) view.zapGuest(gmem, pages);
    },
  }),
};

export default shadowRmap;
