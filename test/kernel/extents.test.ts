import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BitTable, BLOCK } from '../../src/kernel/bit-table.ts';
import { FrameTable } from '../../src/kernel/frame-table.ts';
import { PfnMap } from '../../src/kernel/pfn-map.ts';
import { RangeSet } from '../../src/kernel/range-set.ts';

/** Ranges of up to three blocks, often one page, often a whole number of blocks. */
const start = fc.oneof(fc.nat(2500), fc.constantFrom(0, 512, 1024, 1536));
const count = fc.oneof(fc.integer({ min: 1, max: 1300 }), fc.constantFrom(1, 1, 2, 512, 1024));
const numbers = (from: number, length: number): number[] => Array.from({ length }, (_, i) => from + i);

/** Maximal runs of the numbers of a range that a test holds for. */
function runsOf(from: number, length: number, holds: (i: number) => boolean): number[][] {
  const runs: number[][] = [];
  for (const i of numbers(from, length)) {
    if (!holds(i)) continue;
    const last = runs.at(-1);
    if (last && last[0]! + last[1]! === i) last[1]!++;
    else runs.push([i, 1]);
  }
  return runs;
}

describe('BitTable', () => {
  it('agrees with plain arrays of bits', () => {
    const op = fc.record({
      kind: fc.constantFrom('set', 'set', 'set', 'clear', 'set range', 'clear range', 'drop', 'full'),
      block: fc.constantFrom(0, 1, 2, 40_000, 70_000),
      bits: fc.array(fc.nat(BLOCK - 1), { maxLength: 20 }),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 40 }), fc.nat(BLOCK - 1), (ops, from) => {
        const table = new BitTable();
        const naive = new Map<number, Set<number>>();
        for (const { kind, block, bits } of ops) {
          if (kind === 'drop') {
            if (naive.delete(block)) table.drop(block);
          } else if (!naive.has(block)) {
            table.create(block, kind === 'full');
            naive.set(block, new Set(kind === 'full' ? numbers(0, BLOCK) : []));
          }
          const leaf = table.find(block);
          const held = naive.get(block);
          if (held && kind.endsWith('range')) {
            const [from = 0, last = BLOCK - 1] = bits.toSorted((a, b) => a - b);
            const isSet = kind === 'set range';
            const range = numbers(from, last + 1 - from);
            const changing = range.filter((bit) => held.has(bit) !== isSet);
            for (const bit of changing) {
              if (isSet) held.add(bit);
              else held.delete(bit);
            }
            expect(table.change(leaf, from, last + 1, isSet)).toBe(changing.length);
            continue;
          }
          for (const bit of held ? bits : []) {
            const changes = kind === 'clear' ? held!.delete(bit) : !held!.has(bit);
            if (kind !== 'clear') held!.add(bit);
            expect(kind === 'clear' ? table.clear(leaf, bit) : table.set(leaf, bit)).toBe(changes);
          }
        }
        expect(table.size).toBe(naive.size);
        const blocks = [...naive.keys()].sort((a, b) => a - b);
        expect(table.anyBlock()).toBe(blocks[0] ?? -1);
        for (const block of [0, 1, 2, 3, 39_999, 40_000, 40_001, 70_000, 70_001]) {
          expect(table.find(block) !== 0).toBe(naive.has(block));
          expect(table.nextBlock(block, 80_000)).toBe(blocks.find((b) => b >= block) ?? 80_000);
        }
        for (const [block, held] of naive) {
          const leaf = table.find(block);
          expect(table.countOf(leaf)).toBe(held.size);
          expect(numbers(0, BLOCK).filter((bit) => table.has(leaf, bit))).toEqual(
            [...held].sort((a, b) => a - b),
          );
          const rest = numbers(from, BLOCK - from);
          expect(table.next(leaf, from, true)).toBe(rest.find((bit) => held.has(bit)) ?? BLOCK);
          expect(table.next(leaf, from, false)).toBe(rest.find((bit) => !held.has(bit)) ?? BLOCK);
        }
      }),
      { numRuns: 50, seed: 1 },
    );
  });
});

describe('RangeSet', () => {
  it('agrees with a plain set', () => {
    const op = fc.record({ on: fc.boolean(), start, count });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 30 }), fc.nat(3000), fc.nat(3000), (ops, from, length) => {
        const set = new RangeSet();
        const naive = new Set<number>();
        for (const { on, start, count } of ops) {
          if (on && count === 1) expect(set.addOne(start)).toBe(!naive.has(start));
          else if (on) set.add(start, count);
          else set.remove(start, count);
          for (const i of numbers(start, count)) {
            if (on) naive.add(i);
            else naive.delete(i);
          }
          expect(set.size).toBe(naive.size);
        }
        const runs: number[][] = [];
        set.forEachRun(from, length, (at, n) => void runs.push([at, n]));
        expect(runs).toEqual(runsOf(from, length, (i) => naive.has(i)));
        const gaps: number[][] = [];
        set.forEachGap(from, length, (at, n) => void gaps.push([at, n]));
        expect(gaps).toEqual(runsOf(from, length, (i) => !naive.has(i)));
        expect(set.countIn(from, length)).toBe(numbers(from, length).filter((i) => naive.has(i)).length);
        expect(numbers(0, 4000).filter((i) => set.has(i))).toEqual([...naive].sort((a, b) => a - b));
        const blocks = numbers(0, 8).filter((b) => numbers(b * BLOCK, BLOCK).every((i) => naive.has(i)));
        expect(set.wholeBlocks).toBe(blocks.length);
        const first = set.firstFragment();
        if (naive.size === 0) expect(first).toBeNull();
        else expect(numbers(first!.start, first!.count).every((i) => naive.has(i))).toBe(true);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('ends a walk when the visitor returns false', () => {
    const set = new RangeSet();
    set.add(0, 10);
    set.add(20, 10);
    let runs = 0;
    set.forEachRun(0, 100, () => ++runs < 1);
    expect(runs).toBe(1);
  });

  it('holds a terabyte as one piece', () => {
    const set = new RangeSet();
    set.add(0, 2 ** 28);
    expect([set.size, set.pieces]).toEqual([2 ** 28, 1]);
    set.remove(1000, 1);
    expect([set.size, set.pieces, set.countIn(0, 2 ** 28)]).toEqual([2 ** 28 - 1, 3, 2 ** 28 - 1]);
  });
});

describe('PfnMap', () => {
  const op = fc.record({
    kind: fc.constantFrom('fill', 'fill', 'one', 'clear'),
    start,
    count,
    period: fc.integer({ min: 1, max: 4 }),
  });

  it('agrees with a plain map', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 30 }), fc.nat(2500), fc.nat(2500), (ops, from, length) => {
        const map = new PfnMap();
        const naive = new Map<number, number>();
        let next = 1000;
        for (const { kind, start, count, period } of ops) {
          if (kind === 'clear') {
            const seen: [number, number][] = [];
            map.clear(start, count, (...run) => seen.push(...pagesOf(...run)));
            const gone = [...naive].filter(([i]) => i >= start && i < start + count);
            expect(seen.sort(byIndex)).toEqual(gone.sort(byIndex));
            for (const i of numbers(start, count)) naive.delete(i);
          } else if (kind === 'one') {
            if (!naive.has(start)) map.setOne(start, next);
            if (!naive.has(start)) naive.set(start, next++);
          } else {
            map.forEachGap(start, count, (index, length) => {
              const lanes = Array.from({ length: period }, (_, l) => next + l * length);
              next += period * length;
              map.setRun(index, length, period, lanes);
              for (const [i, pfn] of pagesOf(index, length, period, lanes)) naive.set(i, pfn);
            });
          }
          expect(map.size).toBe(naive.size);
        }
        expect(numbers(0, 4000).map((i) => map.get(i))).toEqual(
          numbers(0, 4000).map((i) => naive.get(i) ?? -1),
        );
        expect(numbers(0, 4000).filter((i) => map.has(i))).toEqual([...naive.keys()].sort((a, b) => a - b));
        const seen: [number, number][] = [];
        map.forEach(from, length, (...run) => seen.push(...pagesOf(...run)));
        expect(seen).toEqual([...naive].filter(([i]) => i >= from && i < from + length).sort(byIndex));
        const gaps: number[][] = [];
        map.forEachGap(from, length, (at, n) => void gaps.push([at, n]));
        expect(gaps).toEqual(runsOf(from, length, (i) => !naive.has(i)));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('holds interleaved terabytes as one piece', () => {
    const map = new PfnMap();
    map.setRun(0, 2 ** 28, 4, [0, 2 ** 30, 2 ** 31, 2 ** 32]);
    map.setRun(2 ** 28, 2 ** 28, 4, [2 ** 26, 2 ** 30 + 2 ** 26, 2 ** 31 + 2 ** 26, 2 ** 32 + 2 ** 26]);
    expect([map.size, map.pieces, map.get(2 ** 28 + 6)]).toEqual([2 ** 29, 1, 2 ** 31 + 2 ** 26 + 1]);
  });
});

/** Index and frame of each page of a run. */
function pagesOf(
  index: number,
  length: number,
  period: number,
  lanes: readonly number[],
): [number, number][] {
  return numbers(0, length).map((k) => [index + k, lanes[k % period]! + Math.floor(k / period)]);
}

const byIndex = ([a]: [number, number], [b]: [number, number]): number => a - b;

describe('FrameTable', () => {
  it('agrees with a plain array of frames', () => {
    const op = fc.record({
      kind: fc.constantFrom('allocate', 'free', 'map', 'unmap', 'reclass'),
      // A coarse grid, so that ranges often coincide and whole blocks stay runs.
      pfn: fc.nat(8).map((n) => n * 256),
      count: fc.constantFrom(1, 256, 512, 1024, 1536),
      folioClass: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 40 }), (ops) => {
        const table = new FrameTable();
        const frames = Array.from({ length: 4000 }, () => ({ folioClass: 0, maps: 0 }));
        for (const { kind, pfn, count, folioClass } of ops) {
          const part = frames.slice(pfn, pfn + count);
          const isFree = part.every((frame) => frame.folioClass === 0);
          const isUsed = part.every((frame) => frame.folioClass !== 0);
          const isMapped = part.every((frame) => frame.maps > 0);
          if (kind === 'allocate' && isFree) {
            table.allocate(pfn, count, folioClass);
            for (const frame of part) frame.folioClass = folioClass;
          } else if (kind === 'free' && isUsed) {
            table.free(pfn, count);
            for (const frame of part) frame.folioClass = frame.maps = 0;
          } else if (kind === 'map' && isUsed) {
            let seen = 0;
            table.addMaps(pfn, count, 1, (_, n) => (seen += n));
            expect(seen).toBe(count);
            for (const frame of part) frame.maps++;
          } else if (kind === 'unmap' && isUsed && isMapped) {
            table.addMaps(pfn, count, -1, () => {});
            for (const frame of part) frame.maps--;
          } else if (kind === 'reclass' && isUsed) {
            table.reclass(pfn, count, (old) => (old % 3) + 1);
            for (const frame of part) frame.folioClass = (frame.folioClass % 3) + 1;
          }
        }
        expect(table.size).toBe(frames.filter((frame) => frame.folioClass !== 0).length);
        frames.forEach((frame, pfn) => {
          if (table.classOf(pfn) !== frame.folioClass)
            expect(`${pfn}: class ${table.classOf(pfn)}`).toBe(`${pfn}: class ${frame.folioClass}`);
          if (table.mapCountOf(pfn) !== frame.maps)
            expect(`${pfn}: maps ${table.mapCountOf(pfn)}`).toBe(`${pfn}: maps ${frame.maps}`);
        });
      }),
    );
  });

  it('keeps class and map count per frame', () => {
    const table = new FrameTable();
    table.allocate(0, 2048, 7);
    table.addMaps(100, 1000, 1, () => {});
    table.reclass(1024, 512, () => 9);
    expect([table.classOf(99), table.mapCountOf(99)]).toEqual([7, 0]);
    expect([table.classOf(1050), table.mapCountOf(1050)]).toEqual([9, 1]);
    expect([table.classOf(1200), table.mapCountOf(1200)]).toEqual([9, 0]);
    table.free(0, 2048);
    expect([table.size, table.classOf(1050)]).toEqual([0, 0]);
  });
});
