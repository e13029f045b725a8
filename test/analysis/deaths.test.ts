import { describe, expect, it } from 'vitest';
import { deaths, nextVictims } from '../../src/analysis/deaths.ts';
import type { OomKill } from '../../src/result/types.ts';
import { sampleRun } from './fixture.ts';

const kill = (change: Partial<OomKill> = {}): OomKill => ({
  step: 9,
  line: 12,
  worker: 'small',
  cgroup: '/b',
  limit: null,
  used: [
    { worker: 'vmm', cgroup: '/a', pages: 400 },
    { worker: 'small', cgroup: '/b', pages: 10 },
    { worker: 'other', cgroup: '/b/c', pages: 5 },
  ],
  ...change,
});

describe('a death by shortage', () => {
  it('hits a bystander when somebody else used more of what ran out', () => {
    expect(deaths(sampleRun({ kills: [kill()] }))).toEqual([
      {
        step: 9,
        line: 12,
        victim: 'small',
        victimKb: 40,
        limit: null,
        largest: 'vmm',
        largestKb: 1600,
        isBystander: true,
      },
    ]);
  });

  it('is blamed on members of the cgroup at its limit alone', () => {
    expect(deaths(sampleRun({ kills: [kill({ limit: '/b' })] }))[0]).toMatchObject({
      largest: 'small',
      isBystander: false,
    });
  });

  it('is nobody’s fault when nobody used anything, and hits no bystander among equals', () => {
    const [none, equal] = deaths(
      sampleRun({
        kills: [
          kill({ used: [] }),
          kill({
            used: [
              { worker: 'vmm', cgroup: '/a', pages: 10 },
              { worker: 'small', cgroup: '/b', pages: 10 },
            ],
          }),
        ],
      }),
    );
    expect(none).toMatchObject({ largest: null, victimKb: 0, isBystander: false });
    expect(equal).toMatchObject({ largest: 'vmm', isBystander: false });
  });

  it('did not come where the run has none', () => {
    expect(deaths(sampleRun())).toEqual([]);
  });
});

describe('the next victim', () => {
  it('stands beside the one that uses most, at every snapshot', () => {
    expect(nextVictims(sampleRun())).toEqual([
      { snapshot: 'booted', step: 7, victim: 'helper', largest: 'vmm', isBystander: true },
    ]);
  });

  it('is no bystander when nobody can be taken', () => {
    const run = sampleRun();
    run.snapshots[0]!.facts.processes = [];
    expect(nextVictims(run)[0]).toMatchObject({ victim: null, isBystander: null });
  });
});
