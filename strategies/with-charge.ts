import type { Part } from '../src/strategy/contract.ts';

/**
 * An accounting part with one more choice, which is the same for all: whose memcg a private page is charged to
 * (mm/memcontrol.c:set_active_memcg is what a kernel would need for another than the allocating thread's).
 */
export const withCharge = (part: Part): Part => ({
  meta: {
    ...part.meta,
    options: {
      ...part.meta.options,
      charge: {
        type: 'string',
        default: 'current',
        enum: ['current', 'vm'],
        description: "whose memcg pays: the allocating thread's, or that of the VM's process",
      },
    },
  },
  create: (view, options) => ({
    ...part.create(view, options),
    ...(options['charge'] === 'vm' ? { chargeTo: (gmem) => view.livingOwner(gmem) } : {}),
  }),
});
