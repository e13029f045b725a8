import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interleaveRound, makePolicy, nextInRound, policyText } from '../../src/kernel/mempolicy.ts';
import type { Policy, PolicyMode } from '../../src/kernel/mempolicy.ts';
import { SharedPolicy } from '../../src/kernel/shared-policy.ts';

const ALL = [0, 1, 2, 3];
const make = (
  mode: PolicyMode,
  nodes: number[] = [],
  flags: Policy['flags'] = [],
): ReturnType<typeof makePolicy> => makePolicy(mode, flags, nodes, ALL);

describe('makePolicy', () => {
  it('takes what set_mempolicy takes', () => {
    expect(make('default')).toBeNull();
    expect(make('local')).toEqual({ mode: 'local', flags: [], nodes: [] });
    expect(make('bind', [0, 2])).toEqual({ mode: 'bind', flags: [], nodes: [0, 2] });
    expect(make('preferred', [2, 3])).toEqual({ mode: 'preferred', flags: [], nodes: [2] });
    expect(make('preferred')).toEqual({ mode: 'local', flags: [], nodes: [] });
  });

  it('keeps the nodes that have memory', () => {
    expect(makePolicy('interleave', [], [1, 2, 7], [0, 2])).toEqual({
      mode: 'interleave',
      flags: [],
      nodes: [2],
    });
    expect(makePolicy('bind', [], [1], [0, 2])).toBe('EINVAL');
  });

  it.each<[PolicyMode, number[], Policy['flags']]>([
    ['default', [1], []],
    ['local', [1], []],
    ['local', [], ['static']],
    ['bind', [], []],
    ['interleave', [], []],
    ['prefmany', [], []],
    ['winterleave', [], []],
    ['preferred', [], ['relative']],
    ['bind', [1], ['static', 'relative']],
    ['interleave', [1], ['balancing']],
    ['preferred', [1], ['balancing']],
  ])('refuses %s of nodes %j with flags %j', (mode, nodes, flags) => {
    expect(make(mode, nodes, flags)).toBe('EINVAL');
  });

  it('prints as numa_maps does', () => {
    const text = (...args: Parameters<typeof make>): string => policyText(make(...args) as Policy | null);
    expect(text('default')).toBe('default');
    expect(text('local')).toBe('local');
    expect(text('preferred', [3])).toBe('prefer:3');
    expect(text('prefmany', [0, 1, 3])).toBe('prefer (many):0-1,3');
    expect(text('winterleave', [0, 1])).toBe('weighted interleave:0-1');
    expect(text('interleave', [2, 3], ['static'])).toBe('interleave=static:2-3');
    expect(text('bind', [0, 1], ['static', 'balancing'])).toBe('bind=static|balancing:0-1');
  });
});

describe('interleaving', () => {
  it('goes to the next node of the mask, and from the last to the first', () => {
    expect([-1, 0, 1, 2, 3].map((previous) => nextInRound([0, 2, 3], previous))).toEqual([0, 1, 1, 2, 0]);
  });

  it('gives a node as many turns as its weight', () => {
    const policy: Policy = { mode: 'winterleave', flags: [], nodes: [0, 2] };
    expect(interleaveRound(policy, [3, 9, 1, 9])).toEqual([0, 0, 0, 2]);
    expect(interleaveRound({ ...policy, mode: 'interleave' }, [3, 9, 1, 9])).toEqual([0, 2]);
  });
});

describe('SharedPolicy', () => {
  it('agrees with one policy per page', () => {
    const policies = [0, 1, 2].map((nid): Policy => ({ mode: 'bind', flags: [], nodes: [nid] }));
    const op = fc.record({ start: fc.nat(60), count: fc.integer({ min: 1, max: 40 }), at: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 20 }), (ops) => {
        const shared = new SharedPolicy();
        const naive: (Policy | null)[] = Array.from({ length: 110 }, () => null);
        for (const { start, count, at } of ops) {
          shared.set(start, start + count, policies[at] ?? null);
          naive.fill(policies[at] ?? null, start, start + count);
        }
        const found = naive.map((_, index) => shared.lookup(index));
        expect(found.map(({ policy }) => policy)).toEqual(naive);
        // An answer holds up to the end that comes with it, which lies beyond the index.
        expect(found.every(({ end }, index) => end > index)).toBe(true);
        const changes = found.some(({ policy, end }, index) =>
          naive.slice(index, end).some((p) => p !== policy),
        );
        expect(changes).toBe(false);
        expect(shared.isEmpty).toBe(naive.every((policy) => policy === null));
      }),
      { numRuns: 30, seed: 1 },
    );
  });
});
