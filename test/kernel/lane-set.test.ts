import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LaneSet } from '../../src/kernel/lane-set.ts';
import { type Lane, meetLanes, subtractLane } from '../../src/units/lanes.ts';

const pagesOf = ({ index, count, stride }: Lane): number[] =>
  Array.from({ length: count }, (_, k) => index + k * stride);
const ascending = (pages: Iterable<number>): number[] => [...pages].sort((a, b) => a - b);

const lane = fc.record({
  index: fc.nat(3000),
  count: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2000 })),
  stride: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 600 })),
});

describe('lanes', () => {
  test('what two have in common, and what one has alone, is what sets say', () => {
    fc.assert(
      fc.property(lane, lane, (a, b) => {
        const inB = new Set(pagesOf(b));
        const common = meetLanes(a, b);
        expect(common ? pagesOf(common) : []).toEqual(pagesOf(a).filter((page) => inB.has(page)));
        expect(ascending(subtractLane(a, b).flatMap(pagesOf))).toEqual(
          pagesOf(a).filter((page) => !inB.has(page)),
        );
      }),
    );
  });
});

describe('LaneSet', () => {
  const change = fc.record({ lane, isMember: fc.boolean() });

  test('behaves as a set of single pages does', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), lane, (changes, asked) => {
        const set = new LaneSet();
        const model = new Set<number>();
        for (const { lane: changed, isMember } of changes) {
          if (isMember) set.addLane(changed);
          else set.removeLane(changed);
          for (const page of pagesOf(changed)) {
            if (isMember) model.add(page);
            else model.delete(page);
          }
          set.checkInvariants();
          expect(set.size).toBe(model.size);
        }
        const { index, count } = asked;
        const range = pagesOf({ index, count, stride: 1 });
        const inRange = range.filter((page) => model.has(page));
        expect(range.filter((page) => set.has(page))).toEqual(inRange);
        expect(set.countIn(index, count)).toBe(inRange.length);
        expect(ascending(set.lanes(index, count).flatMap(pagesOf))).toEqual(inRange);
        const absent = range.filter((page) => !model.has(page));
        expect(ascending(set.gapLanes(index, count).flatMap(pagesOf))).toEqual(absent);
        const runs: number[] = [];
        let end = -1;
        set.forEachRun(index, count, (start, n) => {
          expect(start).toBeGreaterThan(end);
          end = start + n;
          runs.push(...pagesOf({ index: start, count: n, stride: 1 }));
        });
        expect(runs).toEqual(inRange);
        const gaps: number[] = [];
        set.forEachGap(index, count, (start, n) => {
          gaps.push(...pagesOf({ index: start, count: n, stride: 1 }));
        });
        expect(gaps).toEqual(absent);
        const members = pagesOf(asked).filter((page) => model.has(page));
        expect(ascending(set.among(asked, true).flatMap(pagesOf))).toEqual(members);
        expect(set.among(asked, false).reduce((sum, { count: n }) => sum + n, 0)).toBe(
          asked.count - members.length,
        );
      }),
      { numRuns: 150 },
    );
  });

  test('every third page of a large range costs a few pieces, and none when it is full again', () => {
    const set = new LaneSet();
    set.add(0, 2 ** 30);
    for (let part = 0; part < 64; part++) set.removeLane({ index: 1 + part * 3000, count: 1000, stride: 3 });
    expect(set.size).toBe(2 ** 30 - 64_000);
    expect(set.pieces).toBeLessThan(200);
    expect(set.lanes(0, 64 * 3000)).toHaveLength(2);
    set.addLane({ index: 1, count: 64_000, stride: 3 });
    expect([set.size, set.pieces]).toEqual([2 ** 30, 1]);
  });
});
