import { describe, expect, it } from 'vitest';
import { hazardKind, hazards } from '../../src/analysis/hazards.ts';
import type { Finding, StrategyRun } from '../../src/result/types.ts';
import { sampleHolding, sampleRun, sampleWorld } from './fixture.ts';
import { sampleStep } from './played.ts';

/** A run whose one snapshot has books that balance. */
function sound(change: Partial<StrategyRun> = {}): StrategyRun {
  const world = sampleWorld();
  world.truth.holdings = [sampleHolding({ nodePages: [8], chargedPages: { '/a': 8 } })];
  return sampleRun({ snapshots: [world], steps: [sampleStep(7, 'snapshot booted')], ...change });
}
const finding = (change: Partial<Finding> = {}): Finding => ({
  kind: 'law',
  id: 'rss-balanced-at-exit',
  message: 'Bad rss-counter state',
  step: 9,
  line: 19,
  ...change,
});

describe('hazards', () => {
  it('are what the run found, with the chain of steps, but not what the script expected', () => {
    const chain = [
      { step: 3, line: 13, message: 'the guest maps the page' },
      { step: 5, line: 15, message: 'compaction moves it' },
    ];
    const run = sound({
      findings: [
        finding(),
        finding({ kind: 'hazard', id: 'stale-tdp-entry', message: 'page 4', step: 5, line: 15, chain }),
        finding({ kind: 'expectation', id: 'step-result' }),
      ],
    });
    expect(hazards(run)).toEqual([
      { kind: 'stale-entry', id: 'stale-tdp-entry', message: 'page 4', step: 5, line: 15, chain },
      {
        kind: 'bad-counter',
        id: 'rss-balanced-at-exit',
        message: 'Bad rss-counter state',
        step: 9,
        line: 19,
        chain: [],
      },
    ]);
  });

  it('are told once, where they first come up', () => {
    const run = sound({ findings: [finding({ step: 12 }), finding({ step: 9 }), finding({ step: 15 })] });
    expect(hazards(run).map(({ step }) => step)).toEqual([9]);
  });

  it.each([
    ['rss-not-negative', 'bad-counter'],
    ['rss-exceeds-vm-size', 'bad-counter'],
    ['memcg-children-below-parent', 'lost-charge'],
    ['double-charge', 'double-charge'],
    ['policy-conflict', 'policy-conflict'],
    ['host-mapping-of-private', 'host-mapping'],
    ['frames-conserved', 'other'],
  ])('%s means %s', (id, kind) => {
    expect(hazardKind(id)).toBe(kind);
  });
});

describe('the books of a snapshot', () => {
  it('balance: nothing to tell', () => {
    expect(hazards(sound())).toEqual([]);
  });

  it.each([
    [{ '/a': 8, '/b': 2 }, 'double-charge', 'private: 8 kB charged twice'],
    [{ '/a': 5 }, 'lost-charge', 'private: 12 kB charged to nobody'],
  ])('with charges %j show it', (chargedPages, kind, message) => {
    const run = sound();
    run.snapshots[0]!.truth.holdings[0]!.chargedPages = chargedPages;
    expect(hazards(run)).toEqual([expect.objectContaining({ kind, message, step: 7, line: 17 }) as unknown]);
  });

  it('owe nothing for huge pages and what the kernel keeps for itself', () => {
    const run = sound();
    run.snapshots[0]!.truth.holdings = [
      sampleHolding({ kind: 'hugetlb', nodePages: [512] }),
      sampleHolding({ kind: 'kernel', nodePages: [3] }),
    ];
    expect(hazards(run)).toEqual([]);
  });

  it('show a counter below zero wherever it is printed', () => {
    const run = sound();
    const { facts } = run.snapshots[0]!;
    facts.processes[0]!.rssFilePages = -1;
    facts.cgroups[1]!.stat['file_mapped'] = -4096;
    facts.nodes[1]!.counters['nr_mapped'] = -1;
    expect(hazards(run).map(({ message }) => message)).toEqual([
      'RSS of vmm is negative',
      'file_mapped of memory.stat in /a is negative',
      'nr_mapped of node 1 is negative',
    ]);
  });
});
