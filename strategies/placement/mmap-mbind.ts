import type { Part } from '../../src/strategy/contract.ts';

/** What Linux does since 6.19: the VMM maps the gmem and calls mbind(); the inode keeps the policy. */
export const mmapMbind: Part = {
  meta: {
    axis: 'placement',
    id: 'mmap-mbind',
    title: 'mbind() on a mapping of the gmem',
    summary:
      'Uses the system call that VMMs know and numa_maps shows the policy; costs address space for a mapping that nobody may touch, and says nothing about usage.',
    origin: 'mainline',
    mainlineIn: ['7.3'],
    source: 'virt/kvm/guest_memfd.c:kvm_gmem_set_policy, since Linux 6.19',
    options: {},
  },
  create: (view) => ({
    policyWish: ({ gmem, index, count, policy, by }) => {
      const failed = view.mapForPolicy(by.process, gmem);
      if (failed !== 0) return failed;
      view.count('mmap_lock for write');
      view.count('shared policy update');
      view.setSharedPolicy(gmem, index, count, policy);
      return 0;
    },
  }),
};

export default mmapMbind;
