import { describe, expect, it } from 'vitest';
import { moverSteps, placements } from '../../src/analysis/placement-losses.ts';
import { sampleHolding, sampleRun, sampleWorld } from './fixture.ts';
import { sampleStep } from './played.ts';

describe('private memory off its policy', () => {
  it('is told by file and node, with what movers may take', () => {
    const world = sampleWorld();
    world.truth.holdings = [
      sampleHolding({
        object: 'a',
        nodePages: [10, 30],
        offPolicyPages: 30,
        offPolicyNodePages: [0, 30],
        movablePages: 0,
      }),
      sampleHolding({ object: 'b', nodePages: [4, 0], offPolicyPages: 4, movablePages: 4 }),
      sampleHolding({ object: 'c', nodePages: [1, 0], movablePages: 1 }),
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
        movableKb: 0,
        stuckKb: 120,
      },
      { ...head, object: 'b', kb: 16, offPolicyKb: 16, offPolicyNodesKb: [], movableKb: 16, stuckKb: 0 },
      { ...head, object: 'c', kb: 4, offPolicyKb: null, offPolicyNodesKb: [], movableKb: 4, stuckKb: null },
    ]);
  });

  it('is unknown where the result does not say what may move', () => {
    const world = sampleWorld();
    world.truth.holdings = [sampleHolding({ nodePages: [4], offPolicyPages: 4 })];
    expect(placements(world)[0]).toMatchObject({ movableKb: null, stuckKb: null });
  });
});

describe('movers', () => {
  it('are the steps that ask mm to move pages, with their outcome', () => {
    const steps = [
      sampleStep(1, 'vmm: touch ram 0 4M write'),
      sampleStep(2, 'compact'),
      sampleStep(3, 'migratepages vmm 0 1', { ret: 12 }),
      sampleStep(4, 'offline 33', { ret: -1, errno: 'EBUSY', message: 'block 33' }),
      sampleStep(5, 'vmm: move_pages ram 0 4M 1', { message: 'moved 9' }),
    ];
    expect(
      moverSteps(sampleRun({ steps })).map(({ step, outcome, message }) => [step, outcome, message]),
    ).toEqual([
      [2, '0', ''],
      [3, '12', ''],
      [4, 'EBUSY', 'block 33'],
      [5, '0', 'moved 9'],
    ]);
  });
});
