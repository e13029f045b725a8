import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactForOrder } from '../../src/kernel/direct-compaction.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { checkLaws } from '../../src/simulation/laws.ts';
import { fourNodes, Lab, MiB, pages } from '../simulation/lab.ts';
import { checkBooks } from './check-books.ts';

const PAGEBLOCK = 512;

/** Free blocks of 2 MiB and more on node 0, in 2 MiB. */
const wholeBlocks = (kernel: Kernel): number =>
  kernel.nodes[0]!.zones.reduce(
    (sum, zone) =>
      sum +
      zone.freeByOrder().reduce((n, blocks, order) => (order < 9 ? n : n + blocks * 2 ** (order - 9)), 0),
    0,
  );

/** Without per-CPU lists, all that is freed merges at once. */
function lab(machine = fourNodes(256 * MiB), hasLists = false): Lab {
  const made = new Lab({ machine });
  if (!hasLists) for (const zone of made.world.kernel.zones) zone.parkLimit = 0;
  return made;
}

/** A file of which every second page is punched. */
function checkerboard(made: Lab, kind: 'memfd' | 'gmem', blocks: number, isMapped = false): Kernel {
  const bytes = pages(blocks * PAGEBLOCK);
  const name = 'f';
  if (kind === 'gmem') made.do('gmem create', { name, bytes, flags: 0 });
  else made.do('memfd create', { name, bytes, hugetlb: false, cloexec: false, file: name });
  if (isMapped) {
    made.do('map', { kind, name, shared: true, readOnly: false, at: null, offset: null, bytes: null });
    made.do('touch', { name, offset: 0, bytes, write: true, random: null });
  } else made.do('fallocate', { kind, name, offset: 0, bytes });
  made.do('punchstride', { kind, name, offset: 0, bytes, hole: pages(1), stride: pages(2) });
  return made.world.kernel;
}

describe('compaction of a zone', () => {
  it('empties the lower half of a checkerboard into the holes of the upper half', () => {
    const made = lab();
    const kernel = checkerboard(made, 'memfd', 40);
    const before = wholeBlocks(kernel);
    expect(made.do('compact', {})).toBe('0');
    expect(wholeBlocks(kernel) - before).toBe(20);
    expect(kernel.vmEvents['pgmigrate_success']).toBe(20 * 256);
    expect(kernel.vmEvents['compact_isolated']).toBe(2 * 20 * 256);
    expect(kernel.vmEvents['compact_stall']).toBeUndefined();
    checkBooks(kernel);
    made.do('compact', {});
    expect(kernel.vmEvents['pgmigrate_success']).toBe(20 * 256);
  });

  it('gains nothing where the pages are a gmem', () => {
    const made = lab();
    const kernel = checkerboard(made, 'gmem', 40);
    const before = wholeBlocks(kernel);
    made.do('compact', {});
    expect(wholeBlocks(kernel)).toBe(before);
    expect(kernel.vmEvents['pgmigrate_success']).toBeUndefined();
  });

  it('finds no holes in what waits on a per-CPU list, and frees no block that has pages there', () => {
    const made = lab(fourNodes(256 * MiB), true);
    const [zone] = made.world.kernel.nodes[0]!.zones;
    // Ten pageblocks' holes wait.
    zone!.parkLimit = 10 * 256;
    const kernel = checkerboard(made, 'memfd', 40);
    const before = wholeBlocks(kernel);
    made.do('compact', {});
    // Holes of 30 blocks take the pages of 15; the last 10 of those wait in turn. Frames of other types may take a part of the list.
    expect(wholeBlocks(kernel) - before).toBeGreaterThanOrEqual(5);
    expect(wholeBlocks(kernel) - before).toBeLessThanOrEqual(10);
    expect(compactForOrder(kernel, { nids: [0], order: 9, blocks: before + 15, movable: true })).toBe(true);
    expect(wholeBlocks(kernel) - before).toBeGreaterThanOrEqual(15);
  });

  it('gains what a 6.12 kernel gained of 640 MiB with every second page punched, and a list of 10866 frames', () => {
    const made = lab(fourNodes(1024 * MiB), true);
    const [zone] = made.world.kernel.nodes[0]!.zones;
    zone!.parkLimit = 10_866;
    const kernel = checkerboard(made, 'memfd', 320);
    const before = wholeBlocks(kernel);
    made.do('compact', {});
    // There: 35858 pages moved and 100 blocks gained (32849 and 87 when the file had been written), of 40960 and 160 without a list.
    // Frames of other types may take a part of the list.
    expect(kernel.vmEvents['pgmigrate_success']).toBeGreaterThan(35_000);
    expect(kernel.vmEvents['pgmigrate_success']).toBeLessThan(37_500);
    expect(wholeBlocks(kernel) - before).toBeGreaterThanOrEqual(90);
    expect(wholeBlocks(kernel) - before).toBeLessThanOrEqual(115);
  });

  it('tells whoever mirrors a page table before its entries change, once for each page that moves', () => {
    const made = lab();
    const kernel = checkerboard(made, 'memfd', 4, true);
    const heard = new Set<number>();
    kernel.mmuNotifiers.push((_mm, vpn, count) => {
      for (let k = 0; k < count; k++) heard.add(vpn + k);
    });
    made.do('compact', {});
    expect(heard.size).toBe(kernel.vmEvents['pgmigrate_success']);
    expect(heard.size).toBe(2 * 256);
    checkBooks(kernel);
  });

  it('takes pages along that only the swap cache holds', () => {
    const made = lab({ ...fourNodes(256 * MiB), swap: { bytes: 64 * MiB, isOn: true } });
    const kernel = checkerboard(made, 'memfd', 4, true);
    const span = { name: 'f', offset: 0, bytes: pages(4 * PAGEBLOCK) };
    made.do('madvise', { ...span, advice: 'pageout' });
    const cached = (): number => kernel.nodes[0]!.counter('nr_swapcached');
    expect(cached()).toBe(4 * 256);
    const before = wholeBlocks(kernel);
    made.do('compact', {});
    expect(wholeBlocks(kernel) - before).toBe(2);
    expect(cached()).toBe(4 * 256);
    made.do('touch', { ...span, write: true, random: null });
    checkBooks(kernel);
    made.do('punch', { kind: 'memfd', ...span });
    expect(cached()).toBe(0);
    checkLaws(made.world);
    expect(made.world.findings).toEqual([]);
  });

  it('leaves locked pages where vm.compact_unevictable_allowed is 0', () => {
    const moved = [0, 1].map((allowed) => {
      const made = lab({ ...fourNodes(256 * MiB), sysctl: { 'vm.compact_unevictable_allowed': allowed } });
      const kernel = checkerboard(made, 'memfd', 4, true);
      made.do('mlock', { name: 'f', offset: 0, bytes: pages(4 * PAGEBLOCK) });
      made.do('punchstride', {
        kind: 'memfd',
        name: 'f',
        offset: 0,
        bytes: pages(4 * PAGEBLOCK),
        hole: pages(1),
        stride: pages(2),
      });
      made.do('compact', {});
      return kernel.vmEvents['pgmigrate_success'] ?? 0;
    });
    expect(moved).toEqual([0, 512]);
  });

  it('acts on one node when its own file is written', () => {
    const made = lab();
    const kernel = checkerboard(made, 'memfd', 8);
    made.do('write', { path: '/sys/devices/system/node/node1/compact', value: '1' });
    expect(kernel.vmEvents['pgmigrate_success']).toBeUndefined();
    made.do('write', { path: '/sys/devices/system/node/node0/compact', value: '1' });
    expect(kernel.vmEvents['pgmigrate_success']).toBe(4 * 256);
    expect(made.do('write', { path: '/proc/sys/vm/compact_memory', value: '2' })).toBe('EINVAL');
  });
});

describe('direct compaction', () => {
  it('stops at the block that was wanted, and turns requests away after failures', () => {
    const made = lab();
    const kernel = checkerboard(made, 'memfd', 40);
    const whole = wholeBlocks(kernel);
    const request = { nids: [0], order: 9, blocks: whole + 1, movable: true };
    expect(compactForOrder(kernel, request)).toBe(true);
    expect(wholeBlocks(kernel)).toBe(whole + 1);
    expect(kernel.vmEvents['pgmigrate_success']).toBe(256);
    const hopeless = { ...request, blocks: whole + 1000 };
    for (let k = 0; k < 8; k++) compactForOrder(kernel, hopeless);
    // Tries 1, 3 and 7: one, then three requests are turned away.
    expect(kernel.vmEvents['compact_fail']).toBe(3);
    expect(kernel.vmEvents['compact_success']).toBe(1);
    expect(kernel.vmEvents['compact_stall']).toBe(4);
  });
});

describe('movers of physical memory', () => {
  it('keep all books, whatever is compacted, offlined and brought back', () => {
    const op = fc.record({
      kind: fc.constantFrom('compact', 'offline', 'online', 'touch', 'punch', 'dontneed', 'fork', 'node'),
      name: fc.constantFrom('m', 'a'),
      block: fc.integer({ min: 0, max: 8 }),
      at: fc.nat(599),
      count: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 12 }), (ops) => {
        const made = lab(fourNodes(256 * MiB), true);
        const { kernel } = made.world;
        made.do('mempolicy', { mode: 'interleave', flags: [], nodes: [0, 1, 3] });
        made.do('memfd create', { name: 'm', bytes: pages(600), hugetlb: false, cloexec: false, file: 'm' });
        made.do('map', {
          kind: 'memfd',
          name: 'm',
          shared: true,
          readOnly: false,
          at: null,
          offset: null,
          bytes: null,
        });
        made.do('anon map', {
          name: 'a',
          bytes: pages(600),
          shared: false,
          hugetlb: false,
          noreserve: false,
          at: null,
        });
        made.do('gmem create', { name: 'g', bytes: pages(50), flags: 0 });
        made.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: pages(50) });
        let forks = 0;
        for (const { kind, name, block, at, count } of ops) {
          const span = { name, offset: pages(at), bytes: pages(Math.min(count, 600 - at)) };
          if (kind === 'compact') made.do('compact', {});
          if (kind === 'offline') made.do('offline', { block, timeoutMs: 5000 });
          if (kind === 'online') made.do('online', { block, timeoutMs: 5000 });
          if (kind === 'node') made.do('offline_node', { node: block % 4, timeoutMs: 5000 });
          if (kind === 'touch') made.do('touch', { ...span, write: true, random: null });
          if (kind === 'punch') {
            made.do('punchstride', { kind: 'memfd', ...span, name: 'm', hole: pages(1), stride: pages(2) });
          }
          if (kind === 'dontneed') made.do('madvise', { ...span, advice: 'dontneed' });
          if (kind === 'fork' && forks < 2) made.do('fork', { worker: `f${++forks}` });
          checkBooks(kernel);
          checkLaws(made.world);
          expect(made.world.findings).toEqual([]);
        }
      }),
      { numRuns: 40 },
    );
  });
});
