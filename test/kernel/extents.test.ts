import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameTable } from '../../src/kernel/frame-table.ts';
import { buildZonelists } from '../../src/kernel/machine.ts';
import { PfnMap } from '../../src/kernel/pfn-map.ts';
import { RangeSet } from '../../src/kernel/range-set.ts';
import { Zone } from '../../src/kernel/zone.ts';

const range = fc.record({ on: fc.boolean(), start: fc.nat(2500), count: fc.integer({ min: 1, max: 1300 }) });

describe('RangeSet', () => {
  it('agrees with a plain set', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), (ops) => {
        const set = new RangeSet();
        const naive = new Set<number>();
        for (const { on, start, count } of ops) {
          if (on) set.add(start, count);
          else set.remove(start, count);
          for (let i = start; i < start + count; i++) {
            if (on) naive.add(i);
            else naive.delete(i);
          }
          expect(set.size).toBe(naive.size);
        }
        const seen: number[] = [];
        set.forEachRun(0, 5000, (start, count) => {
          for (let i = 0; i < count; i++) seen.push(start + i);
        });
        expect(seen).toEqual([...naive].sort((a, b) => a - b));
      }),
    );
  });
});

describe('PfnMap', () => {
  it('agrees with a plain map', () => {
    const op = fc.record({
      start: fc.nat(2000),
      count: fc.integer({ min: 1, max: 900 }),
      period: fc.integer({ min: 1, max: 4 }),
      clear: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 30 }), (ops) => {
        const map = new PfnMap();
        const naive = new Map<number, number>();
        let next = 1000;
        for (const { start, count, period, clear } of ops) {
          if (clear) {
            map.clear(start, count);
            for (let i = start; i < start + count; i++) naive.delete(i);
          } else {
            map.forEachGap(start, count, (index, length) => {
              const lanes = Array.from({ length: period }, (_, l) => next + l * length);
              next += period * length;
              map.setRun(index, length, period, lanes);
              for (let k = 0; k < length; k++)
                naive.set(index + k, lanes[k % period]! + Math.floor(k / period));
            });
          }
          expect(map.size).toBe(naive.size);
        }
        for (let i = 0; i < 3000; i++) expect(map.get(i)).toBe(naive.get(i) ?? -1);
      }),
    );
  });
});

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

describe('Zone', () => {
  it('serves fragments first, merges buddies and refuses a double free', () => {
    const zone = new Zone({ nid: 0, name: 'Normal', startPfn: 4096, pages: 4096 });
    expect(zone.freeByOrder()[10]).toBe(4);
    const a = zone.takeRun(1024);
    zone.free(a.pfn + 8, 4);
    expect(zone.freeByOrder().slice(0, 4)).toEqual([0, 0, 1, 0]);
    expect(zone.takeOne()).toBe(a.pfn + 8);
    zone.free(a.pfn, 9);
    zone.free(a.pfn + 12, a.count - 12);
    expect(zone.freePages).toBe(4096);
    expect(zone.freeByOrder()[10]).toBe(4);
    expect(() => zone.free(a.pfn, 1)).toThrow(/double free/);
  });
});

describe('zonelists', () => {
  it('follow distance, load and CPUs as a real four-node kernel printed them', () => {
    const node = (cpu: number) => ({ cpus: [cpu], memoryBytes: 2 ** 30, movableBytes: 0 });
    const distances = [
      [10, 12, 20, 24],
      [12, 10, 24, 20],
      [20, 24, 10, 12],
      [24, 20, 12, 10],
    ];
    expect(buildZonelists({ nodes: [0, 1, 2, 3].map(node), distances })).toEqual([
      [0, 1, 2, 3],
      [1, 0, 3, 2],
      [2, 3, 0, 1],
      [3, 2, 1, 0],
    ]);
  });
});
