import { describe, expect, it } from 'vitest';
import type { MachineZone } from '../../src/scenario/types.ts';
import { checkLaws } from '../../src/simulation/laws.ts';
import { fourNodes, Lab, MiB, pages } from './lab.ts';

const START = 2 ** 20;
const NODE = 65_536;
/** Memory map of the node's frames, which boot never gives to the buddy allocator. */
const RESERVED = 1024;
const HOLES = [9, 7, 5, 3, 2, 1, 0, 1, 1, 0, 0];

/** Four nodes above 4 GiB as their zoneinfo and buddyinfo would show them, with `used` pages of boot memory each. */
function described(used: number, freeByOrder: number[] = HOLES): Lab {
  const machine = fourNodes((NODE - RESERVED) * 4096);
  machine.nodes.forEach((node, nid) => {
    const zone: MachineZone = {
      name: 'Normal',
      startPfn: START + nid * NODE,
      spannedPages: NODE,
      presentPages: NODE,
      pages: NODE - RESERVED,
      freeByOrder,
    };
    node.zones = [zone];
    node.background.slab = pages(used);
    node.background.shmem = MiB;
  });
  return new Lab({ machine });
}

describe('boot memory of a machine that is described from a real one', () => {
  it('leaves the holes that the machine had, in the lowest pageblocks', () => {
    const lab = described(4000);
    const [zone] = lab.world.kernel.nodes[2]!.zones;
    const counts = zone!.freeByOrder();
    const holes = HOLES.reduce((sum, blocks, order) => sum + blocks * 2 ** order, 0);
    // Besides them, what is left of the last pageblock: a block of each order at most. Files of the tmpfs take whole ones.
    HOLES.slice(0, 9).forEach((blocks, order) => {
      expect(counts[order]! - blocks).toBeGreaterThanOrEqual(0);
      expect(counts[order]! - blocks).toBeLessThanOrEqual(2);
    });
    expect(zone!.freePages).toBe(NODE - RESERVED - 4000 - 256);
    const lowest = zone!.freeRuns(zone!.startPfn, 4000 + holes);
    expect(lowest.reduce((sum, { count }) => sum + count, 0)).toBe(holes);
    checkLaws(lab.world);
    expect(lab.world.findings).toEqual([]);
  });

  it('keeps gmem to those holes and to pageblocks of its own', () => {
    const lab = described(4000);
    const { kernel } = lab.world;
    const [zone] = kernel.nodes[0]!.zones;
    lab.do('gmem create', { name: 'g', bytes: pages(1000), flags: 0 });
    lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: pages(1000) });
    const frames = [...kernel.inodes].find((inode) => inode.name === 'g')!.cache;
    const blocks = new Set<number>();
    for (let i = 0; i < 1000; i++) blocks.add(Math.floor((frames.get(i) - zone!.startPfn) / 512));
    const boot = Math.ceil((4000 + 600) / 512);
    expect([...blocks].filter((block) => block < boot).length).toBeGreaterThan(2);
    expect([...blocks].filter((block) => block >= boot).length).toBeLessThanOrEqual(2);
  });

  it('passes over more holes than it can keep apart', () => {
    const lab = described(1000, [70_000, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const counts = lab.world.kernel.nodes[1]!.zones[0]!.freeByOrder();
    expect(counts[0]).toBeLessThanOrEqual(2);
    expect(counts[1]).toBeGreaterThanOrEqual(3);
  });

  it('has the memory of its last block reserved: that block never goes offline', () => {
    const lab = described(4000);
    const [first, last] = [START / 32_768, START / 32_768 + 1];
    expect(lab.do('offline', { block: first, timeoutMs: 1000 })).toBe('EBUSY');
    expect(lab.do('offline', { block: last, timeoutMs: 1000 })).toBe('EBUSY');
  });

  it('holds the files of the booted tmpfs as movable shared memory that nobody reserved', () => {
    const { kernel } = described(4000).world;
    for (const node of kernel.nodes) {
      expect([node.counter('nr_shmem'), node.counter('nr_file_pages')]).toEqual([256, 256]);
    }
    expect(kernel.committed).toBe(0);
  });
});
