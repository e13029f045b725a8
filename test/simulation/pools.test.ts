import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { play, type Played } from './play.ts';

const VM = `vm create snp
memfd create ram 32M
gmem create g 32M`;
const SLOT = `vm slot 0 0 32M ram 0 g 0
vm attr 0 32M private`;

const rowsOf = ({ run }: Played): unknown[] =>
  (run.inBothPools ?? []).map(({ object, pages, peakPages, pageSteps, steps }) => ({
    object,
    pages,
    peakPages,
    pageSteps,
    steps,
  }));

describe('guest memory in both pools', () => {
  it('counts from the second allocation to the first free, and a note takes no time', () => {
    const played = play(
      'page-cache',
      `${VM}
memfd map ram shared
${SLOT}
vm touch 0 8M
vm attr 2M 2M shared
vm touch 2M 2M
note that this is no step
snapshot both
vm touch 16M 1M
gmem punch g 2M 1M
snapshot half
memfd punch ram 0 32M
snapshot none`,
    );
    expect(rowsOf(played)).toEqual([
      { object: 'g', pages: 0, peakPages: 512, pageSteps: 512 + 512 + 256, steps: 3 },
    ]);
    expect(played.snapshot('both').truth.inBothPools![0]).toMatchObject({ pages: 512, pageSteps: 512 });
    expect(played.snapshot('half').truth.inBothPools![0]).toMatchObject({ pages: 256, peakPages: 512 });
    const { peakStep } = played.run.inBothPools![0]!;
    expect(played.run.steps.find(({ n }) => n === peakStep)!.text).toBe('vm touch 2M 2M');
  });

  it.each([
    ['a private mapping of a memfd', 'memfd map ram private', 'ram'],
    ['anonymous memory', 'anon map own 32M', 'own'],
  ])('sees the shared pool in %s', (_what, map, object) => {
    const played = play(
      'page-cache',
      `${VM}
${map}
${SLOT.replace('ram', object)}
vm touch 0 4M
vm attr 1M 1M shared
vm touch 1M 1M`,
    );
    expect(rowsOf(played)).toEqual([{ object: 'g', pages: 256, peakPages: 256, pageSteps: 256, steps: 1 }]);
  });

  it('is absent where memory was only ever in one pool', () => {
    const played = play('page-cache', `${VM}\nmemfd map ram shared\n${SLOT}\nvm touch 0 4M\nsnapshot s`);
    expect(played.run).not.toHaveProperty('inBothPools');
    expect(played.snapshot('s').truth).not.toHaveProperty('inBothPools');
  });

  it('is what both files hold of the same frames, after any conversions', () => {
    const range = fc.tuple(fc.nat(15), fc.integer({ min: 1, max: 8 })).map(([at, n]) => {
      return `${at * 64}p ${n * 64 - 7}p`;
    });
    const step = fc.oneof(
      fc
        .tuple(
          range,
          fc.constantFrom('private', 'shared'),
          fc.constantFrom('keep', 'discard=private', 'discard=shared', 'discard=both', 'implicit'),
        )
        .map(([at, to, how]) => `vm convert ${at} ${to} ${how}`),
      range.map((at) => `vm touch ${at}`),
      range.map((at) => `gmem punch g ${at}`),
      range.map((at) => `memfd fallocate ram ${at}`),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const script = `${VM}\nmemfd map ram shared\n${SLOT}\n${steps.map((one, i) => `${one}\nsnapshot s${i}`).join('\n')}`;
        const played = play('page-cache', script);
        let pageSteps = 0;
        let peakPages = 0;
        for (const { truth } of played.run.snapshots) {
          const [g, ram] = ['g', 'ram'].map((name) => truth.holdings.find(({ object }) => object === name));
          const [a, b] = [g, ram].map((holding) => holding?.nodePages.reduce((sum, n) => sum + n, 0) ?? 0);
          const pages = truth.inBothPools?.[0]?.pages ?? 0;
          // Never more than the smaller pool, and no less than what does not fit beside each other.
          expect(pages).toBeLessThanOrEqual(Math.min(a!, b!));
          expect(pages).toBeGreaterThanOrEqual(a! + b! - 8192);
          pageSteps += pages;
          peakPages = Math.max(peakPages, pages);
        }
        expect(played.run.inBothPools?.[0]?.pageSteps ?? 0).toBe(pageSteps);
        expect(played.run.inBothPools?.[0]?.peakPages ?? 0).toBe(peakPages);
      }),
      { numRuns: 40, seed: 7 },
    );
  });
});
