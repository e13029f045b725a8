import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countOfLane, forEachFrameOfLane, PfnMap } from '../../src/kernel/pfn-map.ts';
import type { Lane } from '../../src/units/lanes.ts';

const lane = fc.record({
  index: fc.nat(2000),
  count: fc.integer({ min: 1, max: 700 }),
  stride: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 700 })),
});
const pagesOf = ({ index, count, stride }: Lane): number[] =>
  Array.from({ length: count }, (_, k) => index + k * stride);

it('PfnMap drops, counts and visits lanes as if page by page', () => {
  const run = fc.record({
    index: fc.nat(2000),
    count: fc.integer({ min: 1, max: 1500 }),
    lanes: fc.array(fc.nat(1e6), { minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(
      fc.array(run, { maxLength: 4 }),
      fc.array(lane, { maxLength: 4 }),
      lane,
      (runs, dropped, asked) => {
        const map = new PfnMap();
        const model = new Map<number, number>();
        for (const { index, count, lanes } of runs) {
          map.forEachGap(index, count, (at, n) => {
            const period = Math.min(n, lanes.length);
            map.setRun(at, n, period, lanes.slice(0, period));
            for (let k = 0; k < n; k++) model.set(at + k, lanes[k % period]! + Math.floor(k / period));
          });
        }
        for (const gone of dropped) {
          map.clearLane(gone);
          for (const page of pagesOf(gone)) model.delete(page);
          expect(map.size).toBe(model.size);
        }
        const expected = pagesOf(asked).flatMap((page) => model.get(page) ?? []);
        const frames: number[] = [];
        forEachFrameOfLane(map, asked, (pfn, n) => {
          for (let k = 0; k < n; k++) frames.push(pfn + k);
        });
        expect(frames).toEqual(expected);
        expect(countOfLane(map, asked)).toBe(expected.length);
      },
    ),
    { numRuns: 150 },
  );
});
