import { describe, expect, it } from 'vitest';
import type { SmapsVma } from '../../src/procfs/smaps.ts';
import type { ProcessReading } from '../../src/conformance/process-reading.ts';
import { referencedByChance } from '../../src/conformance/referenced-noise.ts';
import { scoreSpan } from '../../src/conformance/score-noise.ts';

const smaps = (pages: { rss?: number; referenced?: number; anonHuge?: number }): SmapsVma['smaps'] =>
  ({
    rss: (pages.rss ?? 0) * 4096,
    referenced: (pages.referenced ?? 0) * 4096,
    anonHuge: (pages.anonHuge ?? 0) * 4096,
  }) as SmapsVma['smaps'];

describe('pages that chance calls referenced', () => {
  it('are all unused huge pages, and few of the rest, where the kernel monitors; all where huge pages may hide behind single entries', () => {
    const by = (monitors: boolean, hasHuge: boolean): number =>
      referencedByChance(
        { monitors, locks: false, hasHuge },
        smaps({ anonHuge: 512 }),
        smaps({ rss: 1312, referenced: 160 }),
      ).monitored;
    expect(by(true, false)).toBe(512 + 16 + 40);
    expect(by(true, true)).toBe(1152);
    expect(by(false, true)).toBe(0);
  });

  it('are none where the model calls everything used', () => {
    const all = smaps({ rss: 100, referenced: 100, anonHuge: 512 });
    expect(referencedByChance({ monitors: true, locks: false, hasHuge: true }, all, all).monitored).toBe(0);
  });

  it('are one in 31 where steps lock', () => {
    const model = smaps({ rss: 256, referenced: 256 });
    expect(referencedByChance({ monitors: false, locks: true, hasHuge: false }, model, model).batched).toBe(
      9,
    );
    expect(referencedByChance({ monitors: false, locks: false, hasHuge: false }, model, model).batched).toBe(
      0,
    );
  });
});

describe('the span of a score', () => {
  const reading = (rssKb: number): ProcessReading =>
    ({
      status: new Map([
        ['VmRSS', `${rssKb} kB`],
        ['VmSwap', '0 kB'],
        ['VmPTE', '40 kB'],
      ]),
      oomScoreAdj: 0,
    }) as unknown as ProcessReading;
  const exact = { totalPages: 1_000_000, cpus: 4, isExact: true };

  it.each([
    [15_000, 15_000, 0],
    [15_960, 15_956, 1],
    [15_900, 12_100, 0],
    [40_000, 20_000, 3],
  ])('is what the formula makes of the pages: %d and %d kB', (kernel, model, span) => {
    expect(scoreSpan(reading(kernel), reading(model), exact)).toBe(span);
  });

  it('reaches over an edge that is within what the CPUs hold back', () => {
    const fast = { ...exact, isExact: false };
    expect(scoreSpan(reading(15_000), reading(15_000), fast)).toBe(1);
    expect(scoreSpan(reading(14_000), reading(14_000), fast)).toBe(0);
  });

  it('is zero where a side has no memory lines', () => {
    const none = { status: new Map(), oomScoreAdj: 0 } as unknown as ProcessReading;
    expect(scoreSpan(none, reading(4000), exact)).toBe(0);
  });
});
