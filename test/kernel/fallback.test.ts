import { describe, expect, it } from 'vitest';
import type { ModeName } from '../../src/scenario/types.ts';
import { fourNodes, Lab, MiB, pages } from '../simulation/lab.ts';

/** Pages of a file by node. */
function nodesOf(lab: Lab, name: string): number[] {
  const { kernel } = lab.world;
  const inode = [...kernel.inodes].find((each) => each.name === name)!;
  const out = [0, 0, 0, 0];
  for (let i = 0; i < inode.sizePages; i++) {
    const pfn = inode.cache.get(i);
    if (pfn >= 0) out[kernel.nidOf(pfn)]!++;
  }
  return out;
}

/** A worker on CPU 1 with a policy, and node 2 filled by another one down to `left` pages above its low watermark. */
function crowded(left: number, mode: ModeName, nodes: number[]): Lab {
  // With watermarks that leave room for what the page cache itself needs.
  const thp = { enabled: 'madvise', shmem: 'never', defrag: 'madvise' } as const;
  const lab = new Lab({ machine: { ...fourNodes(64 * MiB), thp } });
  const { kernel } = lab.world;
  lab.do('spawn', { worker: 'w9' });
  lab.do('mempolicy', { mode: 'bind', flags: [], nodes: [2] }, 'w9');
  const [zone] = kernel.nodes[2]!.zones;
  const fill = zone!.freePages - zone!.low - zone!.reserve - left;
  lab.do(
    'memfd create',
    { name: 'fill', bytes: pages(fill), hugetlb: false, cloexec: false, file: 'fill' },
    'w9',
  );
  lab.do('gmem create', { name: 'g', bytes: pages(4096), flags: 0 });
  lab.do('memfd create', { name: 'm', bytes: pages(4096), hugetlb: false, cloexec: false, file: 'm' });
  lab.do('affinity', { cpu: 1 });
  lab.do('mempolicy', { mode, flags: [], nodes });
  lab.do('fallocate', { kind: 'memfd', name: 'fill', offset: 0, bytes: pages(fill) }, 'w9');
  for (const node of kernel.nodes) {
    for (const name of Object.keys(node.numa) as (keyof typeof node.numa)[]) node.numa[name] = 0;
  }
  return lab;
}

/** Pages of a node above its low watermark. Page cache trees have taken some from what `crowded` left. */
function roomOf(lab: Lab, nid: number): number {
  const [zone] = lab.world.kernel.nodes[nid]!.zones;
  return zone!.freePages - zone!.low - zone!.reserve;
}

const allocate = (lab: Lab, name: 'g' | 'm', count: number): void => {
  const kind = name === 'g' ? 'gmem' : 'memfd';
  expect(lab.do('fallocate', { kind, name, offset: 0, bytes: pages(count) })).toBe('0');
};

describe('an allocation falls back', () => {
  it.each<[ModeName, number[], (left: number, gap: number) => number[]]>([
    ['preferred', [2], (left) => [0, 0, left, 3000 - left]],
    ['prefmany', [1, 2], () => [0, 3000, 0, 0]],
    // The pass over the preferred nodes goes down to the min watermark before the other nodes are asked.
    ['prefmany', [2], (left, gap) => [0, 3000 - left - gap, left + gap, 0]],
    ['default', [], () => [0, 3000, 0, 0]],
    ['interleave', [1], () => [0, 3000, 0, 0]],
  ])('by %s of %j', (mode, nodes, expected) => {
    const lab = crowded(500, mode, nodes);
    const left = roomOf(lab, 2);
    const [zone] = lab.world.kernel.nodes[2]!.zones;
    allocate(lab, 'm', 3000);
    expect(nodesOf(lab, 'm')).toEqual(expected(left, zone!.low - zone!.min));
  });

  it('by interleave: the share of a full node goes where that node falls back to', () => {
    const lab = crowded(500, 'interleave', [2, 3]);
    const left = roomOf(lab, 2);
    allocate(lab, 'm', 3000);
    expect(nodesOf(lab, 'm')).toEqual([0, 0, left, 3000 - left]);
    const events = lab.world.kernel.nodes.map(({ numa }) => numa);
    // Hits of the interleaving are those that landed on the node that was chosen.
    expect([events[2]!.numa_foreign, events[3]!.numa_miss]).toEqual([1500 - left, 1500 - left]);
    expect(events[3]!.interleave_hit).toBeGreaterThanOrEqual(1500);
    expect(events[3]!.interleave_hit).toBeLessThan(1510);
  });

  it('counts miss and foreign for what a preferred node did not give', () => {
    const lab = crowded(500, 'preferred', [2]);
    allocate(lab, 'g', 3000);
    const [, , c, d] = nodesOf(lab, 'g');
    const events = lab.world.kernel.nodes.map(({ numa }) => numa);
    // Slabs count, too: one event each.
    expect(events[2]!.numa_foreign).toBe(events[3]!.numa_miss);
    expect(events[3]!.numa_miss - d!).toBeGreaterThanOrEqual(0);
    expect(events[3]!.numa_miss - d!).toBeLessThan(5);
    expect(c! + d!).toBe(3000);
  });

  it('not at all by bind: down to the min watermark, then the OOM killer runs', () => {
    const lab = crowded(0, 'bind', [2]);
    lab.do('oomadj', { value: -1000 }, 'w9');
    const room = lab.world.kernel.nodes[2]!.zones.map((zone) => zone.low - zone.min)[0]!;
    expect(lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: pages(4096) })).toBe(
      'ECONNRESET',
    );
    expect(lab.world.kernel.log.join('\n')).toContain('constraint=CONSTRAINT_MEMORY_POLICY');
    const again = crowded(0, 'bind', [2]);
    allocate(again, 'g', room - 20);
    expect(nodesOf(again, 'g')).toEqual([0, 0, room - 20, 0]);
  });
});

describe('ZONE_MOVABLE', () => {
  it('takes memfds, never a gmem', () => {
    const machine = fourNodes(64 * MiB);
    machine.nodes[3]!.movableBytes = 32 * MiB;
    const lab = new Lab({ machine });
    lab.do('gmem create', { name: 'g', bytes: 48 * MiB, flags: 0 });
    lab.do('memfd create', { name: 'm', bytes: 28 * MiB, hugetlb: false, cloexec: false, file: 'm' });
    lab.do('mempolicy', { mode: 'preferred', flags: [], nodes: [3] });
    lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: 48 * MiB });
    const onNode3 = nodesOf(lab, 'g')[3]!;
    expect(onNode3).toBeLessThan(8192);
    expect(onNode3).toBeGreaterThan(7000);
    const [movable] = lab.world.kernel.nodes[3]!.zones;
    expect([movable!.name, movable!.freePages]).toEqual(['Movable', 8192]);
    lab.do('fallocate', { kind: 'memfd', name: 'm', offset: 0, bytes: 28 * MiB });
    expect(nodesOf(lab, 'm')).toEqual([0, 0, 0, 7168]);
  });
});

describe('weighted interleaving', () => {
  it.each([
    ['6.12', 0],
    ['7.3', 6000],
  ] as const)('3:1 is exact; on %s %i pages count as interleave hits', (kernel, hits) => {
    const lab = new Lab({ kernel });
    lab.world.kernel.weights.splice(0, 2, 3, 1);
    lab.do('memfd create', { name: 'm', bytes: pages(6000), hugetlb: false, cloexec: false, file: 'm' });
    lab.do('gmem create', { name: 'g', bytes: pages(6000), flags: 0 });
    lab.do('mempolicy', { mode: 'winterleave', flags: [], nodes: [0, 1] });
    lab.do('fallocate', { kind: 'memfd', name: 'm', offset: 0, bytes: pages(6000) });
    expect(nodesOf(lab, 'm')).toEqual([4500, 1500, 0, 0]);
    const counted = lab.world.kernel.nodes.reduce((sum, { numa }) => sum + numa.interleave_hit, 0);
    expect(Math.abs(counted - hits)).toBeLessThan(10);
    lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: pages(6000) });
    expect(nodesOf(lab, 'g')).toEqual([4500, 1500, 0, 0]);
  });

  it('keeps count over requests of the same thread', () => {
    const lab = new Lab({ kernel: '7.3' });
    lab.world.kernel.weights.splice(0, 2, 3, 2);
    lab.do('gmem create', { name: 'g', bytes: pages(50), flags: 0 });
    lab.do('mempolicy', { mode: 'winterleave', flags: [], nodes: [0, 1] });
    // Slabs of 7.3 do not ask the counter, so the pages have it for themselves.
    for (let i = 0; i < 50; i++)
      lab.do('fallocate', { kind: 'gmem', name: 'g', offset: pages(i), bytes: 4096 });
    const [inode] = lab.world.kvm.vmOfGmem.keys();
    const order = Array.from({ length: 50 }, (_, i) => lab.world.kernel.nidOf(inode!.cache.get(i)));
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => (i % 5 < 3 ? 0 : 1)));
  });
});
