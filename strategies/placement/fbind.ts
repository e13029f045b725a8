import type { Gmem, Part, PolicyWish } from '../../src/strategy/contract.ts';

/** A policy set on the file through its descriptor, without any mapping. */
export const fbind: Part = {
  meta: {
    axis: 'placement',
    id: 'fbind',
    title: 'fbind() on the file',
    summary:
      'Binds ranges of a file without an address, so it works for memory that nobody maps; anybody with the descriptor may rebind, and no VMA shows the policy.',
    origin: 'proposed',
    source: 'fbind() RFC v3, Shivank Garg, November 2024 (linux-mm 20241105164549.154700-1-shivankg@amd.com)',
    options: {
      'whole-file': {
        type: 'boolean',
        default: false,
        description: 'the call sets one policy for the whole file, whatever range it names',
      },
      query: {
        type: 'boolean',
        default: true,
        description: 'there is a call that asks for the policy by descriptor (fget_mempolicy)',
      },
    },
  },
  create: (view, options) => {
    const bind = ({ gmem, index, count, policy }: PolicyWish): 0 => {
      view.count('shared policy update');
      if (options['whole-file'] === true) view.setSharedPolicy(gmem, 0, gmem.sizePages, policy);
      else view.setSharedPolicy(gmem, index, count, policy);
      return 0;
    };
    const query = options['query'] === true;
    return {
      policyWish: bind,
      // A file of shared memory has one shared policy, which mbind sets, too.
      fileWish: bind,
      ...(query ? { policyQuery: (gmem: Gmem, index: number) => view.sharedPolicy(gmem, index) } : {}),
    };
  },
};

export default fbind;
