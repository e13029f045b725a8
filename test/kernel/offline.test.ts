import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.ts';
import type { StepResult } from '../../src/result/types.ts';
import { fourNodes, Lab, MiB, step } from '../simulation/lab.ts';
import { checkBooks } from './check-books.ts';

const BLOCK = 32_768;

/** Four nodes of 512 MiB: blocks 0 to 3 are node 0's, 4 to 7 node 1's. */
const lab = (): Lab =>
  new Lab({
    machine: { ...fourNodes(512 * MiB), thp: { enabled: 'madvise', shmem: 'never', defrag: 'madvise' } },
  });

const offline = (made: Lab, block: number): StepResult =>
  made.run(step('offline', { block, timeoutMs: 4000 }));

/** Memory on node 1, from its lowest frame on. */
function fill(made: Lab, kind: 'memfd' | 'gmem', bytes: number): Kernel {
  made.do('mempolicy', { mode: 'bind', flags: [], nodes: [1] });
  if (kind === 'gmem') made.do('gmem create', { name: 'f', bytes, flags: 0 });
  else made.do('memfd create', { name: 'f', bytes, hugetlb: false, cloexec: false, file: 'f' });
  made.do('fallocate', { kind, name: 'f', offset: 0, bytes });
  return made.world.kernel;
}

const where = (made: Lab, bytes: number): string =>
  made.run(step('where', { name: 'f', offset: 0, bytes })).message;

describe('offlining a memory block', () => {
  it('takes an empty block out of its zone, and brings it back', () => {
    const made = lab();
    const { kernel } = made.world;
    const zone = kernel.nodes[1]!.zones[0]!;
    const before = { pages: kernel.totalPages, low: zone.low, free: zone.freePages };
    expect(offline(made, 5)).toMatchObject({ ret: 0, message: '' });
    expect(kernel.totalPages).toBe(before.pages - BLOCK);
    expect(zone.freePages).toBe(before.free - BLOCK);
    expect(zone.low).toBeLessThan(before.low);
    // In the middle, the zone still spans it.
    expect([zone.spannedPages, zone.presentPages]).toEqual([4 * BLOCK, 3 * BLOCK]);
    expect(offline(made, 5).errno).toBe('EINVAL');
    expect(made.do('online', { block: 5, timeoutMs: 5000 })).toBe('0');
    expect({ pages: kernel.totalPages, low: zone.low, free: zone.freePages }).toEqual(before);
    expect(made.do('online', { block: 5, timeoutMs: 5000 })).toBe('EINVAL');
  });

  it('shrinks the span at a zone’s ends', () => {
    const made = lab();
    const zone = made.world.kernel.nodes[1]!.zones[0]!;
    const start = zone.startPfn;
    offline(made, 6);
    offline(made, 7);
    offline(made, 4);
    expect([zone.startPfn, zone.spannedPages]).toEqual([start + BLOCK, BLOCK]);
    made.do('online', { block: 7, timeoutMs: 5000 });
    expect([zone.startPfn, zone.spannedPages, zone.presentPages]).toEqual([
      start + BLOCK,
      3 * BLOCK,
      2 * BLOCK,
    ]);
  });

  it('knows what is no block, and what spans zones', () => {
    const made = lab();
    expect(offline(made, 0).errno).toBe('EINVAL');
    expect(offline(made, 16).errno).toBe('ENOENT');
    expect(made.do('online', { block: 16, timeoutMs: 5000 })).toBe('ENOENT');
  });

  it('moves user memory to the nearest other node', () => {
    const made = lab();
    const bytes = 64 * MiB;
    made.do('mempolicy', { mode: 'bind', flags: [], nodes: [1] });
    made.do('memfd create', { name: 'f', bytes, hugetlb: false, cloexec: false, file: 'f' });
    made.do('map', {
      kind: 'memfd',
      name: 'f',
      shared: true,
      readOnly: false,
      at: null,
      offset: null,
      bytes: null,
    });
    made.do('touch', { name: 'f', offset: 0, bytes, write: true, random: null });
    // Slab of its page cache came to lie in the block, too: that one stays.
    expect(offline(made, 4).errno).toBe('EBUSY');
    expect(where(made, bytes)).toBe('n=16384 N1=16384');
    // A file that grew into the next block is evacuated from there.
    made.do('anon map', { name: 'a', bytes, shared: false, hugetlb: false, noreserve: false, at: null });
    made.do('touch', { name: 'a', offset: 0, bytes, write: true, random: null });
    const { kernel } = made.world;
    const moved = kernel.nodes[0]!.counter('nr_anon_pages');
    expect(offline(made, 5).ret).toBe(0);
    expect(kernel.nodes[0]!.counter('nr_anon_pages') - moved).toBeGreaterThan(0);
    expect(kernel.vmEvents['pgmigrate_success']).toBe(kernel.nodes[0]!.counter('nr_anon_pages') - moved);
    checkBooks(kernel);
  });

  /** Node 1 with 80 huge folios, 64 of which fill block 4. */
  const withHuge = (): { made: Lab; kernel: Kernel; huge: () => number[] } => {
    const machine = fourNodes(512 * MiB);
    machine.thp = { enabled: 'always', shmem: 'never', defrag: 'madvise' };
    const made = new Lab({ machine });
    const { kernel } = made.world;
    made.do('mempolicy', { mode: 'bind', flags: [], nodes: [1] });
    const bytes = 160 * MiB;
    made.do('anon map', { name: 'f', bytes, shared: false, hugetlb: false, noreserve: false, at: 2 ** 30 });
    made.do('touch', { name: 'f', offset: 0, bytes, write: true, random: null });
    const huge = (): number[] =>
      kernel.nodes.map((node) => node.counter('nr_anon_transparent_hugepages') / 512);
    return { made, kernel, huge };
  };

  it('moves huge folios as a whole', () => {
    const { made, kernel, huge } = withHuge();
    expect(huge()).toEqual([0, 80, 0, 0]);
    expect(offline(made, 4).ret).toBe(0);
    expect(huge()).toEqual([64, 16, 0, 0]);
    expect(kernel.vmEvents['thp_migration_success']).toBe(64);
    checkBooks(kernel);
  });

  it('splits huge folios for which no other node has a huge block', () => {
    const { made, kernel, huge } = withHuge();
    for (const node of kernel.nodes) {
      if (node.nid === 1) continue;
      for (const zone of node.zones) {
        for (const { pfn, blocks } of zone.takeBlocks(9, 2 ** 20)) {
          for (let k = 0; k < blocks; k++) zone.free(pfn + k * 512, 511);
        }
      }
    }
    expect(offline(made, 4).ret).toBe(0);
    expect(huge()).toEqual([0, 16, 0, 0]);
    expect(kernel.nodes[0]!.counter('nr_anon_pages')).toBe(64 * 512);
    expect(kernel.vmEvents['thp_migration_split']).toBe(64);
    checkBooks(kernel);
  });

  it('never ends for a gmem: the caller is interrupted, and nothing has changed', () => {
    const made = lab();
    const kernel = fill(made, 'gmem', 300 * MiB);
    const free = kernel.nodes[1]!.freePages;
    kernel.nodes[1]!.zones[0]!.drain();
    const byOrder = kernel.nodes[1]!.zones[0]!.freeByOrder();
    expect(offline(made, 5)).toMatchObject({
      ret: -1,
      errno: 'EINTR',
      message: 'timeout after 4000 ms, interrupted',
    });
    expect(kernel.nodes[1]!.freePages).toBe(free);
    expect(kernel.nodes[1]!.zones[0]!.freeByOrder()).toEqual(byOrder);
    expect(kernel.vmEvents['pgmigrate_fail']).toBe(BLOCK);
    // Kernel memory of the process and of the file's page cache lies in the blocks around.
    expect(made.run(step('offline_node', { node: 1, timeoutMs: 4000 })).message).toBe(
      '4:EBUSY 5:TIMEOUT 6:EBUSY 7:ok | ok=1 EBUSY=2 timeout=1 other=0',
    );
    expect(kernel.offlineBlocks.size).toBe(0);
  });

  it('fails at once where the kernel has memory', () => {
    const machine = fourNodes(512 * MiB);
    machine.nodes[1]!.background.slab = 20 * MiB;
    const made = new Lab({ machine });
    expect(offline(made, 4).errno).toBe('EBUSY');
    expect(offline(made, 5).ret).toBe(0);
  });
});

describe('a block of the movable zone', () => {
  it('comes back to the kernel when it had been at the zone’s end', () => {
    const machine = fourNodes(512 * MiB);
    machine.nodes[1]!.movableBytes = 256 * MiB;
    const made = new Lab({ machine });
    const [movable, normal] = made.world.kernel.nodes[1]!.zones;
    expect([movable!.name, movable!.pages]).toEqual(['Movable', 2 * BLOCK]);
    offline(made, 6);
    made.do('online', { block: 6, timeoutMs: 5000 });
    expect([movable!.pages, normal!.pages]).toEqual([BLOCK, 3 * BLOCK]);
    // What lies between the two ends of its own zone goes back there.
    offline(made, 5);
    made.do('online', { block: 5, timeoutMs: 5000 });
    expect(normal!.pages).toBe(3 * BLOCK);
    offline(made, 7);
    expect([movable!.pages, movable!.spannedPages]).toEqual([0, 0]);
    made.do('online', { block: 7, timeoutMs: 5000 });
    expect([movable!.pages, normal!.pages]).toEqual([0, 4 * BLOCK]);
  });
});
