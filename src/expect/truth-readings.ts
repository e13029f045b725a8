import { largestUser, oomVictim } from '../analysis/consequences.ts';
import { sum } from '../analysis/node-lists.ts';
import type { Holding } from '../result/types.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import type { ReadingKind } from './reading.ts';

/** `object NAME […]`: pages of a file or mapping of the script, from the engine's own record. */
export const OBJECT_READING: ReadingKind = {
  usage:
    'object NAME, object NAME node N | guest-mapped | stale | movable | off-policy | on-policy | charged CGROUP | user',
  of: 'moment',
  parse(words) {
    const name = words.take('the object', words.names.objects);
    const nid = words.takeNodePart();
    const inBytes = (pages: (holding: Holding) => number | null, without: number | null = 0) => ({
      unit: 'bytes' as const,
      read: ({ snapshot }: Parameters<ReturnType<ReadingKind['parse']>['read']>[0]): number | null => {
        if (!snapshot) return null;
        const holding = snapshot.truth.holdings.find(({ object }) => object === name);
        const count = holding ? pages(holding) : without;
        return count === null ? null : count * PAGE_SIZE;
      },
    });
    if (nid !== null) return inBytes(({ nodePages }) => nodePages[nid] ?? 0);
    if (words.takeWord('guest-mapped')) return inBytes(({ guestMappedPages }) => guestMappedPages);
    if (words.takeWord('off-policy')) return inBytes(({ offPolicyPages }) => offPolicyPages, null);
    if (words.takeWord('on-policy')) {
      return inBytes(
        ({ nodePages, offPolicyPages }) => (offPolicyPages === null ? null : sum(nodePages) - offPolicyPages),
        null,
      );
    }
    if (words.takeWord('stale')) return inBytes(({ stalePages }) => stalePages ?? 0);
    if (words.takeWord('movable')) return inBytes(({ movablePages }) => movablePages ?? 0);
    if (words.takeWord('charged')) {
      const path = words.takeRest('the cgroup');
      return inBytes(({ chargedPages }) => chargedPages[path] ?? 0);
    }
    if (words.takeWord('user')) {
      return {
        unit: 'name',
        read: ({ snapshot }) => snapshot?.truth.holdings.find(({ object }) => object === name)?.user ?? null,
      };
    }
    return inBytes(({ nodePages }) => sum(nodePages));
  },
};

/** `oom-victim`: the worker that the OOM killer would take now. */
export const OOM_VICTIM_READING: ReadingKind = {
  usage: 'oom-victim',
  of: 'moment',
  parse: () => ({ unit: 'name', read: ({ snapshot }) => snapshot && oomVictim(snapshot.facts) }),
};

/** `largest-user`: the worker that uses the most memory by the record. */
export const LARGEST_USER_READING: ReadingKind = {
  usage: 'largest-user',
  of: 'moment',
  parse: () => ({ unit: 'name', read: ({ snapshot }) => snapshot && largestUser(snapshot.truth) }),
};
