import type { Part } from '../../src/strategy/contract.ts';

/** mbind() on the shadow VMA; without one there is no address to name. */
export const shadowMbind: Part = {
  meta: {
    axis: 'placement',
    id: 'shadow-mbind',
    title: 'mbind() on the shadow VMA',
    summary:
      'VMMs keep calling mbind() and numa_maps shows policy and pages together; works only where shadow VMAs exist, and each lookup walks them.',
    origin: 'what-if',
    source:
      'KVM Forum 2023, "Memory accounting: potential solutions"; policy lookup as mm/mempolicy.c:get_vma_policy',
    options: {},
  },
  create: (view) => ({
    policyWish: ({ gmem, index, count, policy, by }) => {
      view.count('mmap_lock for write');
      return view.bindShadow(by.process, gmem, index, count, policy);
    },
    choosePolicy: (gmem, index) => view.shadowPolicy(gmem, index),
  }),
};

export default shadowMbind;
