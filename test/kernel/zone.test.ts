import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildZonelists } from '../../src/kernel/machine.ts';
import { buildZones } from '../../src/kernel/build-zones.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { PROFILES } from '../../src/kernel/profiles.ts';
import { recommendMinFree } from '../../src/kernel/watermarks.ts';
import { MAX_ORDER } from '../../src/kernel/buddy-blocks.ts';
import { Zone } from '../../src/kernel/zone.ts';

const START = 4096;
const PAGES = 3000;

/** Free blocks per order of a plain array of frames: buddies merge as far as they can. */
function buddyCounts(free: readonly boolean[]): number[] {
  const counts = Array.from({ length: MAX_ORDER + 1 }, () => 0);
  for (let at = 0; at < free.length;) {
    if (!free[at]) {
      at++;
      continue;
    }
    let order = 0;
    const isFree = (n: number): boolean =>
      at + n <= free.length && free.slice(at, at + n).every((frame) => frame);
    while (order < MAX_ORDER && (START + at) % 2 ** (order + 1) === 0 && isFree(2 ** (order + 1))) order++;
    counts[order]!++;
    at += 2 ** order;
  }
  return counts;
}

describe('Zone', () => {
  it('agrees with a plain array of frames', () => {
    const op = fc.record({
      kind: fc.constantFrom('one', 'one', 'run', 'block', 'free', 'free'),
      n: fc.nat(1500),
      at: fc.nat(PAGES - 1),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 40 }), (ops) => {
        const zone = new Zone({ nid: 0, name: 'Normal', startPfn: START, pages: PAGES });
        const free = Array.from({ length: PAGES }, () => true);
        const take = (pfn: number, count: number): void => {
          const part = free.slice(pfn - START, pfn - START + count);
          expect(part).toEqual(Array.from({ length: count }, () => true));
          free.fill(false, pfn - START, pfn - START + count);
        };
        for (const { kind, n, at } of ops) {
          const left = free.filter((frame) => frame).length;
          if (kind === 'one') {
            const pfn = zone.takeOne();
            if (left === 0) expect(pfn).toBe(-1);
            else take(pfn, 1);
          } else if (kind === 'run') {
            const { pfn, count } = zone.takeRun(n + 1);
            expect(count).toBeGreaterThanOrEqual(Math.min(left, 1));
            expect(count).toBeLessThanOrEqual(n + 1);
            take(pfn, count);
          } else if (kind === 'block') {
            const order = n % (MAX_ORDER + 1);
            const pfn = zone.takeBlock(order);
            const hasOne = buddyCounts(free).some((blocks, o) => o >= order && blocks > 0);
            expect(pfn >= 0).toBe(hasOne);
            if (pfn >= 0) expect(pfn % 2 ** order).toBe(0);
            if (pfn >= 0) take(pfn, 2 ** order);
          } else {
            const end = free.indexOf(true, at);
            const count = Math.min(n, (end < 0 ? PAGES : end) - at);
            if (count > 0) zone.free(START + at, count);
            free.fill(true, at, at + Math.max(0, count));
          }
          expect(zone.freePages).toBe(free.filter((frame) => frame).length);
        }
        zone.drain();
        expect(zone.freeByOrder()).toEqual(buddyCounts(free));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('gives a whole stretch at once to a request that is large enough', () => {
    const zone = new Zone({ nid: 0, name: 'Normal', startPfn: 0, pages: 2 ** 28 });
    expect(zone.takeRun(2 ** 27)).toEqual({ pfn: 0, count: 2 ** 27 });
    expect(zone.freeByOrder()[MAX_ORDER]).toBe(2 ** 17);
  });

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
    zone.drain();
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

function kernelOf(sizes: number[], enabled: 'always' | 'never', version: '6.12' | '7.3' = '6.12'): Kernel {
  const machine = {
    nodes: sizes.map((size, cpu) => ({ cpus: [cpu], memoryBytes: size * 2 ** 30, movableBytes: 0 })),
    distances: sizes.map((_, a) => sizes.map((__, b) => (a === b ? 10 : 20))),
  };
  return new Kernel({
    machine,
    profile: PROFILES[version],
    thp: { enabled, shmem: 'never', defrag: 'madvise' },
  });
}

describe('zones of a machine', () => {
  /** Nodes of so many GiB as a kernel with huge pages, or without, has set them up. */
  const nodes = (sizes: number[], enabled: 'always' | 'never' = 'always'): readonly Zone[] =>
    kernelOf(sizes, enabled).zones;

  it('cut at 16 MiB and 4 GiB, and before the movable part', () => {
    const zones = buildZones([
      { memoryBytes: 5 * 2 ** 30, movableBytes: 2 ** 29 },
      { memoryBytes: 2 ** 30, movableBytes: 2 ** 30 },
    ]);
    expect(zones.map(({ nid, name, startPfn, pages }) => [nid, name, startPfn, pages])).toEqual([
      [0, 'DMA', 0, 4096],
      [0, 'DMA32', 4096, 2 ** 20 - 4096],
      [0, 'Normal', 2 ** 20, 2 ** 17],
      [0, 'Movable', 2 ** 20 + 2 ** 17, 2 ** 17],
      [1, 'Movable', 2 ** 20 + 2 ** 18, 2 ** 18],
    ]);
  });

  it('share min_free_kbytes by size: 2 + 9 pageblocks for each zone, a quarter more to low and to high', () => {
    // Four zones of 2 * 8 GiB: 4 * 512 * 11 = 22528 pages, half of them for node 1.
    const zones = nodes([8, 8]);
    const [, , , normal] = zones;
    expect([normal!.nid, normal!.min, normal!.low, normal!.high]).toEqual([1, 11_264, 14_080, 16_896]);
    const sum = zones.reduce((total, zone) => total + zone.min, 0);
    expect(sum).toBeGreaterThan(22_528 - zones.length);
    expect(sum).toBeLessThanOrEqual(22_528);
  });

  it('raise the marks by a thousandth of the zone where that is more than a quarter of min', () => {
    const normal = nodes([8, 4096])[3]!;
    const gap = Math.floor(normal.pages / 1000);
    expect(gap).toBeGreaterThan(normal.min / 4);
    expect([normal.low - normal.min, normal.high - normal.low]).toEqual([gap, gap]);
  });

  it('go by the square root of the memory above the high marks where huge pages are switched off', () => {
    const zones = nodes([8], 'never');
    const marked = nodes([8]).reduce((sum, zone) => sum + zone.high, 0);
    const minFree = Math.floor(Math.floor(Math.sqrt((2 ** 21 - marked) * 64)) / 4);
    const sum = zones.reduce((total, zone) => total + zone.min, 0);
    expect(sum).toBeGreaterThan(minFree - zones.length);
    expect(sum).toBeLessThanOrEqual(minFree);
  });

  it.each([
    ['6.12', false],
    ['7.3', true],
  ] as const)('come back up on %s with huge pages of tmpfs: %s', (version, isUp) => {
    const kernel = kernelOf([8], 'never', version);
    const before = kernel.watermarks.minFree;
    kernel.thp = { ...kernel.thp, shmem: 'advise' };
    recommendMinFree(kernel);
    expect(kernel.watermarks.minFree > 2 * before).toBe(isUp);
    kernel.thp = { ...kernel.thp, shmem: 'deny' };
    recommendMinFree(kernel);
    expect(kernel.watermarks.minFree).toBeLessThan(before * 1.1);
  });

  it('keep a 256th of the zones above from requests that could use them', () => {
    const [dma, dma32, normal] = nodes([8]);
    expect(dma!.reserve).toBe(Math.floor((dma32!.pages + normal!.pages) / 256));
    expect([dma32!.reserve, normal!.reserve]).toEqual([Math.floor(normal!.pages / 256), 0]);
  });
});

describe('a machine with little memory below 4 GiB', () => {
  const MIB = 2 ** 20;
  const layout = (movable: number): string[] =>
    buildZones(
      [
        { memoryBytes: 1024 * MIB, movableBytes: movable * MIB },
        { memoryBytes: 1024 * MIB, movableBytes: 0 },
      ],
      512 * MIB,
    ).map(
      ({ nid, name, startPfn, pages }) => `${nid} ${name} ${(startPfn * 4096) / MIB}+${(pages * 4096) / MIB}`,
    );

  it('goes on above the hole for devices', () => {
    expect(layout(0)).toEqual(['0 DMA 0+16', '0 DMA32 16+496', '0 Normal 4096+512', '1 Normal 4608+1024']);
  });

  it('has its movable memory last', () => {
    expect(layout(256)).toEqual([
      '0 DMA 0+16',
      '0 DMA32 16+496',
      '0 Normal 4096+256',
      '0 Movable 4352+256',
      '1 Normal 4608+1024',
    ]);
  });
});
