import type { Gmem, PageRuns, Part, PolicyChoice, PolicyRange, Slot } from '../../src/strategy/contract.ts';

/** A slot and what its shared side's policies were when it was set. */
interface Binding {
  slot: Slot;
  policies: readonly PolicyRange[];
}

/** KVM copies the policy of the shared pool behind a memslot onto its private pool. */
export const mempolicyDup: Part = {
  meta: {
    axis: 'placement',
    id: 'mempolicy-dup',
    title: 'Policy copied from the shared pool',
    summary:
      'VMMs need no change, because private pages follow the policy of userspace_addr; what is allocated before the memslot exists, or after the mapping changed, follows something else.',
    origin: 'what-if',
    source: 'KVM Forum 2023, "Other issues: NUMA via mbind()"',
    options: {
      sync: {
        type: 'string',
        default: 'slot',
        enum: ['slot', 'fault'],
        description: 'when the policy is read: once when the memslot is set, or at each allocation',
      },
      index: {
        type: 'string',
        default: 'rotor',
        enum: ['rotor', 'pgoff'],
        description: "interleaving goes by the thread's counter, or by the shared page's own index",
      },
    },
  },
  create: (view, options) => {
    const bindings = new Map<number, Binding[]>();
    const readAtFault = options['sync'] === 'fault';
    const byOffset = options['index'] === 'pgoff';

    /** The policy behind a page of the slot; where there is none, how far that holds. */
    const choose = ({ slot, policies }: Binding, index: number): PolicyChoice => {
      const slotEnd = slot.gmemIndex + slot.pages;
      if (slot.userspaceVpn === 0) return { policy: null, until: slotEnd };
      const { process } = slot.vm;
      const vpn = slot.userspaceVpn + index - slot.gmemIndex;
      if (readAtFault && !process.isAlive) return { policy: null, until: slotEnd };
      const ranges = readAtFault ? view.policiesAt(process, vpn, slotEnd - index) : policies;
      const range = ranges.find(({ start, count }) => vpn < start + count);
      if (!range) return { policy: null, until: slotEnd };
      if (vpn < range.start) return { policy: null, until: index + range.start - vpn };
      const { policy } = range;
      const until = index + range.start + range.count - vpn;
      const ilx = policy && byOffset && process.isAlive ? view.interleaveIndexAt(process, vpn) : null;
      return ilx === null ? { policy, until } : { policy, until, ilx };
    };

    const covers = ({ slot }: Binding, index: number): boolean =>
      index >= slot.gmemIndex && index < slot.gmemIndex + slot.pages;

    /** Copies of policies that bindings keep. */
    const hold = (bound: readonly Binding[], sign: 1 | -1): void => {
      if (readAtFault) return;
      for (const { policies } of bound)
        view.hold('mempolicy', sign * policies.filter((one) => one.policy).length);
    };

    const drop = (gmem: Gmem, slot: Slot): void => {
      const bound = bindings.get(gmem.id) ?? [];
      hold(
        bound.filter((binding) => binding.slot === slot),
        -1,
      );
      bindings.set(
        gmem.id,
        bound.filter((binding) => binding.slot !== slot),
      );
    };

    return {
      policyWish: ({ gmem, index, count, policy }) => {
        // The private pool has no call of its own: it follows the shared pool, where the wish may be granted already.
        const bound = bindings.get(gmem.id) ?? [];
        for (const binding of bound) {
          const from = Math.max(index, binding.slot.gmemIndex);
          const to = Math.min(index + count, binding.slot.gmemIndex + binding.slot.pages);
          for (let at = from; at < to;) {
            const choice = choose(binding, at);
            if (!samePolicy(choice.policy, policy)) return 'EOPNOTSUPP';
            at = choice.until;
          }
        }
        return bound.length > 0 ? 0 : 'EOPNOTSUPP';
      },
      slotBound: (slot) => {
        view.count('mmap_lock for read');
        const policies =
          slot.userspaceVpn === 0 ? [] : view.policiesAt(slot.vm.process, slot.userspaceVpn, slot.pages);
        hold([{ slot, policies }], 1);
        bindings.set(slot.gmem.id, [...(bindings.get(slot.gmem.id) ?? []), { slot, policies }]);
      },
      slotDeleted: (slot) => drop(slot.gmem, slot),
      gmemReleased: (gmem) => {
        hold(bindings.get(gmem.id) ?? [], -1);
        bindings.delete(gmem.id);
      },
      // Each page that is allocated asks for its VMA.
      ...(readAtFault
        ? {
            folioAllocated: (gmem: Gmem, pages: PageRuns) => {
              if ((bindings.get(gmem.id) ?? []).length > 0) view.count('mmap_lock for read', pages.total);
            },
          }
        : {}),
      choosePolicy: (gmem, index) => {
        const bound = bindings.get(gmem.id) ?? [];
        const binding = bound.find((each) => covers(each, index));
        if (binding) return choose(binding, index);
        const next = Math.min(...bound.map(({ slot }) => slot.gmemIndex).filter((start) => start > index));
        return next === Infinity ? null : { policy: null, until: next };
      },
    };
  },
};

function samePolicy(a: PolicyChoice['policy'] | null, b: PolicyChoice['policy'] | null): boolean {
  if (a === null || b === null) return a === b;
  return a.mode === b.mode && a.nodes.join() === b.nodes.join() && a.flags.join() === b.flags.join();
}

export default mempolicyDup;
