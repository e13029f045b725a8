import { describe, expect, it } from 'vitest';
import { limits, payers } from '../../src/analysis/payers.ts';
import { sampleCgroup } from '../procfs/sample-facts.ts';
import { sampleHolding, sampleTruth, sampleWorld } from './fixture.ts';

const cells = (world = sampleWorld()): unknown[] =>
  payers(world).map(({ user, payer, kb, privateKb, isOwn }) => [user, payer, kb, privateKb, isOwn]);

describe('the matrix of user and payer', () => {
  it('tells who is charged for whose memory, and what nobody uses or pays for', () => {
    expect(cells()).toEqual([
      ['/a', '/a', 1200, 1000, true],
      ['/a', '/b', 600, 600, false],
      ['/b', '/b', 20, 0, true],
      ['nobody', 'nobody', 6000, 0, false],
    ]);
  });

  it('has every page once', () => {
    const world = sampleWorld();
    const pages = world.truth.holdings.flatMap(({ nodePages }) => nodePages).reduce((sum, n) => sum + n, 0);
    expect(payers(world).reduce((sum, { kb }) => sum + kb, 0)).toBe(pages * 4);
  });

  it('names a removed cgroup as the payer, and takes a child group for its parent', () => {
    const world = sampleWorld();
    world.truth.processes = [sampleTruth({ cgroup: '/a' })];
    world.truth.holdings = [
      sampleHolding({ nodePages: [7], chargedPages: { '/old (deleted)': 4, '/a/sub': 3 } }),
      sampleHolding({ object: 'left', user: 'gone', nodePages: [2], chargedPages: { '/a': 2 } }),
    ];
    expect(cells(world)).toEqual([
      ['/a', '/a/sub', 12, 12, true],
      ['/a', '/old (deleted)', 16, 16, false],
      ['nobody', '/a', 8, 8, false],
    ]);
  });
});

describe('a limit', () => {
  it('misses what others pay for its workers, and counts what serves others', () => {
    expect(limits(sampleWorld())).toEqual([
      { cgroup: '/a', limit: 'memory.max', limitKb: 1760, usedKb: 1800, escapesKb: 600, foreignKb: 0 },
    ]);
    const world = sampleWorld();
    world.facts.cgroups.push(sampleCgroup('/b', { highBytes: 1_048_576 }));
    expect(limits(world)[1]).toEqual({
      cgroup: '/b',
      limit: 'memory.high',
      limitKb: 1024,
      usedKb: 20,
      escapesKb: 0,
      foreignKb: 600,
    });
  });

  it('of the root is escaped by nothing that anybody pays for', () => {
    const world = sampleWorld();
    world.facts.cgroups[0]!.maxBytes = 4096;
    expect(limits(world)[0]).toMatchObject({ cgroup: '/', escapesKb: 0 });
  });
});
