import { describe, expect, it } from 'vitest';
import { placements } from '../../src/analysis/placement-losses.ts';
import { sampleHolding, sampleWorld } from './fixture.ts';

describe('private memory off its policy', () => {
  it('is told by file and node', () => {
    const world = sampleWorld();
    world.truth.holdings = [
      sampleHolding({
        object: 'a',
        nodePages: [10, 30],
        offPolicyPages: 30,
        offPolicyNodePages: [0, 30],
      }),
      sampleHolding({ object: 'b', nodePages: [4, 0], offPolicyPages: 4 }),
      sampleHolding({ object: 'c', nodePages: [1, 0] }),
      sampleHolding({ object: 'ram', kind: 'memfd', nodePages: [9, 9] }),
    ];
    const head = { snapshot: 'booted', step: 7, user: 'vmm' };
    expect(placements(world)).toEqual([
      {
        ...head,
        object: 'a',
        kb: 160,
        offPolicyKb: 120,
        offPolicyNodesKb: [0, 120],
      },
      { ...head, object: 'b', kb: 16, offPolicyKb: 16, offPolicyNodesKb: [] },
      { ...head, object: 'c', kb: 4, offPolicyKb: null, offPolicyNodesKb: [] },
    ]);
  });
});
