import { describe, expect, it } from 'vitest';
import { consequences } from '../../src/analysis/consequences.ts';
import type { ProcessFacts } from '../../src/procfs/facts.ts';
import { sampleProcess } from '../procfs/sample-facts.ts';
import { sampleWorld } from './fixture.ts';

const VMM = { worker: 'vmm', cgroup: '/a' };

describe('consequences', () => {
  it('follow from who was charged for whose memory', () => {
    expect(consequences(sampleWorld(), VMM)).toEqual({
      oomVictim: 'helper',
      largest: 'vmm',
      offPolicyKb: 400,
      chargedElsewhereKb: 600,
      chargedForOthersKb: 0,
      pastLimitKb: 40,
    });
    expect(consequences(sampleWorld(), { worker: 'helper', cgroup: '/b' })).toMatchObject({
      offPolicyKb: null,
      chargedElsewhereKb: 0,
      chargedForOthersKb: 600,
      pastLimitKb: null,
    });
  });

  it('count a dying cgroup as elsewhere, and nothing as outside of the root', () => {
    const world = sampleWorld();
    world.truth.holdings[2]!.chargedPages = { '/a (deleted)': 400 };
    expect(consequences(world, VMM).chargedElsewhereKb).toBe(1600);
    expect(consequences(world, { worker: 'vmm', cgroup: '/' })).toMatchObject({
      chargedElsewhereKb: 0,
      chargedForOthersKb: 0,
    });
  });

  describe('the OOM killer', () => {
    const victim = (...processes: Partial<ProcessFacts>[]): string | null =>
      consequences(sampleWorld({ processes: processes.map((one) => sampleProcess(one)) }), VMM).oomVictim;

    it.each<[string, Partial<ProcessFacts>[], string | null]>([
      [
        'takes the worst',
        [
          { worker: 'a', oomBadnessPages: 9 },
          { worker: 'b', oomBadnessPages: 8 },
        ],
        'a',
      ],
      [
        'takes the last of equals',
        [
          { worker: 'a', oomBadnessPages: 9 },
          { worker: 'b', oomBadnessPages: 9 },
        ],
        'b',
      ],
      // Two nodes of 262144 pages: a point of oom_score_adj is 524 pages.
      [
        'adds oom_score_adj',
        [
          { worker: 'a', oomBadnessPages: 523 },
          { worker: 'b', oomBadnessPages: 0, oomScoreAdj: 1 },
        ],
        'b',
      ],
      [
        'spares init and the protected',
        [
          { worker: 'a', oomBadnessPages: 9, pid: 1 },
          { worker: 'b', oomBadnessPages: 9, oomScoreAdj: -1000 },
        ],
        null,
      ],
      ['is not guessed at', [{ worker: 'a', oomBadnessPages: 9 }, { worker: 'b' }], null],
    ])('%s', (_, processes, expected) => {
      expect(victim(...processes)).toBe(expected);
    });
  });
});
