import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_ORDER } from '../../src/kernel/buddy-blocks.ts';
import { type Mobility, MOVABLE, RECLAIMABLE, UNMOVABLE, Zone } from '../../src/kernel/zone.ts';

const START = 8192;
const PAGES = 6 * 512 + 77;

/** Free blocks per order of a plain array of frames: halves that are both free merge, order by order. */
function naiveMerge(free: readonly boolean[]): number[] {
  let blocks = free.flatMap((isFree, i) => (isFree ? [START + i] : []));
  const counts: number[] = [];
  for (let order = 0; order <= MAX_ORDER; order++) {
    const here = new Set(blocks);
    const size = 2 ** order;
    const merged = blocks.filter((at) => order < MAX_ORDER && at % (2 * size) === 0 && here.has(at + size));
    const gone = new Set(merged.flatMap((at) => [at, at + size]));
    counts.push(blocks.filter((at) => !gone.has(at)).length);
    blocks = merged;
  }
  return counts;
}

const zoneOf = (pages: number): Zone => new Zone({ nid: 0, name: 'Normal', startPfn: START, pages });

describe('a zone with all kinds of requests', () => {
  it('agrees with an array of frames whose buddies merge one by one', () => {
    const op = fc.record({
      kind: fc.constantFrom('one', 'run', 'block', 'blocks', 'free', 'free', 'drain'),
      mobility: fc.constantFrom<Mobility>(MOVABLE, UNMOVABLE, RECLAIMABLE),
      n: fc.nat(900),
      at: fc.nat(PAGES - 1),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 40 }), fc.constantFrom(0, 40, 5000), (ops, parkLimit) => {
        const zone = zoneOf(PAGES);
        zone.parkLimit = parkLimit;
        const free = Array.from({ length: PAGES }, () => true);
        const take = (pfn: number, count: number): void => {
          for (let i = pfn - START; i < pfn - START + count; i++) expect(free[i]).toBe(true);
          free.fill(false, pfn - START, pfn - START + count);
        };
        for (const { kind, mobility, n, at } of ops) {
          const left = free.filter(Boolean).length;
          if (kind === 'one') {
            const pfn = zone.takeOne(mobility);
            expect(pfn >= 0).toBe(left > 0);
            if (pfn >= 0) take(pfn, 1);
          } else if (kind === 'run') {
            const { pfn, count } = zone.takeRun(n + 1, mobility);
            expect(count > 0).toBe(left > 0);
            take(pfn, count);
          } else if (kind === 'block') {
            const order = n % 10;
            const pfn = zone.takeBlock(order, mobility);
            // Up to a pageblock: larger ones may lie across two types.
            const largest = naiveMerge(free).findLastIndex((blocks) => blocks > 0);
            expect(pfn >= 0).toBe(largest >= order);
            if (pfn >= 0) {
              expect(pfn % 2 ** order).toBe(0);
              take(pfn, 2 ** order);
            }
          } else if (kind === 'blocks') {
            const max = 1 + (n % 4);
            const whole = naiveMerge(free).reduce((sum, b, o) => (o < 9 ? sum : sum + b * 2 ** (o - 9)), 0);
            let got = 0;
            for (const { pfn, blocks } of zone.takeBlocks(9, max, mobility)) {
              take(pfn, blocks * 512);
              got += blocks;
            }
            expect(got).toBe(Math.min(max, whole));
          } else if (kind === 'free') {
            const end = free.indexOf(true, at);
            const count = Math.min(n, (end < 0 ? PAGES : end) - at);
            if (count > 0) zone.free(START + at, count);
            free.fill(true, at, at + Math.max(0, count));
          } else zone.drain();
          expect(zone.freePages).toBe(free.filter(Boolean).length);
        }
        zone.drain();
        const merged = naiveMerge(free);
        expect(zone.freeByOrder()).toEqual(merged);
        for (const order of [3, 9]) {
          expect(zone.freeBlocks(order)).toBe(
            merged.reduce((sum, blocks, at) => (at < order ? sum : sum + blocks * 2 ** (at - order)), 0),
          );
        }
      }),
      { numRuns: 50, seed: 1 },
    );
  });
});

describe('pageblocks', () => {
  it('are claimed in pairs, so that movable and unmovable frames do not mix', () => {
    const zone = zoneOf(16 * 512);
    const movable = Array.from({ length: 700 }, () => zone.takeOne(MOVABLE));
    const unmovable = Array.from({ length: 700 }, () => zone.takeOne(UNMOVABLE));
    const blocksOf = (frames: readonly number[]): number[] => [
      ...new Set(frames.map((pfn) => Math.floor(pfn / 512))),
    ];
    expect(blocksOf(movable)).toEqual([16, 17]);
    expect(blocksOf(unmovable)).toEqual([18, 19]);
    // Its own fragments come before another claim.
    expect(Math.floor(zone.takeOne(UNMOVABLE) / 512)).toBe(19);
  });

  it('go over as a whole when half of them is free, frame by frame otherwise', () => {
    const zone = zoneOf(2 * 512);
    zone.takeRun(1024, MOVABLE);
    zone.free(START, 300);
    zone.free(START + 512 + 100, 200);
    expect(zone.takeOne(UNMOVABLE)).toBe(START);
    // The 300 free frames of the first pageblock are unmovable now; what is freed there is found by its like first.
    zone.free(START + 400, 1);
    for (let k = 1; k < 300; k++) zone.takeOne(UNMOVABLE);
    expect(zone.takeOne(UNMOVABLE)).toBe(START + 400);
    // The second pageblock stays movable though an unmovable frame comes to lie in it.
    const other = zone.takeOne(UNMOVABLE);
    expect(Math.floor(other / 512)).toBe(START / 512 + 1);
    zone.free(other, 1);
    expect(zone.movableHoles()).toEqual([START / 512 + 1]);
  });

  it('keep frames apart that wait on a per-CPU list, the oldest of which go first', () => {
    const zone = zoneOf(4 * 512);
    zone.parkLimit = 100;
    const { pfn } = zone.takeRun(1024);
    for (let k = 0; k < 512; k += 2) zone.free(pfn + k, 1);
    for (let k = 1; k < 512; k += 2) zone.free(pfn + k, 1);
    expect(zone.freePages).toBe(3 * 512);
    // The 100 odd frames that came last keep their neighbours from merging.
    expect(zone.freeByOrder()[0]).toBe(100);
    expect(zone.hasBlock(10)).toBe(true);
    expect(zone.takeOne()).toBe(pfn + 511);
    zone.free(pfn + 511, 1);
    zone.drain();
    expect(zone.freeByOrder().map((n, order) => n * 2 ** order)).toEqual(
      Array.from({ length: 11 }, (_, order) => (order === 9 ? 512 : order === 10 ? 1024 : 0)),
    );
  });

  it('take back what lies around frames that an empty list came to its end at', () => {
    const zone = zoneOf(PAGES);
    zone.takeBlock(0, MOVABLE);
    const block = zone.takeBlock(6, MOVABLE);
    const run = zone.takeRun(63, MOVABLE);
    expect([run.pfn + run.count, run.count]).toEqual([block, 63]);
    // The last frames of the run and the first of the block, at once.
    zone.free(block - 27, 28);
    expect(zone.freePages).toBe(PAGES - 1 - 64 - 63 + 28);
    expect(() => zone.free(block - 1, 1)).toThrow('double free');
  });

  it('share the list: a type that fills it is not pushed out by the next one', () => {
    const zone = zoneOf(8 * 512);
    zone.parkLimit = 600;
    const unmovable = zone.takeRun(1024, UNMOVABLE).pfn;
    const movable = zone.takeRun(1024, MOVABLE).pfn;
    for (let k = 0; k < 1024; k++) zone.free(unmovable + k, 1);
    const free = (): number => zone.freeByOrder().reduce((sum, n, order) => sum + n * 2 ** order, 0);
    expect(zone.freePages - free()).toBe(600);
    for (let k = 0; k < 1024; k++) zone.free(movable + k, 1);
    // What is movable goes straight through; the unmovable frames still wait.
    expect(zone.freePages - free()).toBe(600);
    expect(zone.freeRuns(movable, 1024)).toEqual([{ start: movable, count: 1024 }]);
    expect(zone.takeOne(UNMOVABLE)).toBe(unmovable + 1023);
  });
});
