import { describe, expect, it } from 'vitest';
import { TOOL_FORMULAS } from '../../src/analysis/tool-formulas.ts';
import { toolRows } from '../../src/analysis/tool-rows.ts';
import type { Snapshot } from '../../src/result/types.ts';
import { emptySmaps } from '../../src/procfs/facts.ts';
import { sampleProcess, sampleVma } from '../procfs/sample-facts.ts';
import { sampleHolding, sampleWorld } from './fixture.ts';

/** What a tool says, what it claims to be, and the error; totals alone. */
function told(tool: string, subject: string, world: Snapshot = sampleWorld()): number[] | null {
  const row = toolRows(world).find(
    (one) => one.tool === tool && one.subject === subject && one.node === null,
  );
  return row ? [row.kb, row.truthKb, row.errorKb] : null;
}

describe('the formulas', () => {
  it('have an id of their own, a unit, a source and a meaning', () => {
    expect(new Set(TOOL_FORMULAS.map(({ id }) => id)).size).toBe(TOOL_FORMULAS.length);
    for (const { unit, source, formula, claims } of TOOL_FORMULAS) {
      expect(unit).toBe('kB');
      // A project, and the place in it.
      expect(source).toMatch(/^\S.*: \S/);
      expect(formula).not.toBe('');
      expect(claims).not.toBe('');
    }
  });

  it('numastat -p: mapped pages by node', () => {
    expect(told('numastat-p', 'vmm')).toEqual([184, 1800, -1616]);
    const nodes = toolRows(sampleWorld()).filter(
      ({ tool, node, subject }) => tool === 'numastat-p' && node !== null && subject === 'vmm',
    );
    expect(nodes.map(({ node, kb, truthKb }) => [node, kb, truthKb])).toEqual([
      [0, 108, 524],
      [1, 76, 1276],
    ]);
  });

  it('smem: RSS, PSS and USS over smaps', () => {
    const world = sampleWorld();
    const smaps = {
      ...emptySmaps(),
      rss: 40_960,
      pss: 20_480 * 4096,
      privateClean: 4096,
      privateDirty: 8192,
    };
    world.facts.processes = [
      sampleProcess({ vmas: [sampleVma({ smaps }), sampleVma({ name: '[vsyscall]', smaps })] }),
    ];
    expect(['smem-rss', 'smem-pss', 'smem-uss'].map((tool) => told(tool, 'vmm', world)?.[0])).toEqual([
      40, 20, 12,
    ]);
  });

  it('libvirt: rss of the process, and the memory of the guest', () => {
    expect(told('libvirt-rss', 'vmm')).toEqual([192, 1800, -1608]);
    const world = sampleWorld();
    world.truth.holdings = [
      sampleHolding({ vm: 'vm1', nodePages: [100] }),
      sampleHolding({ vm: 'vm1', kind: 'memfd', nodePages: [50] }),
      sampleHolding({ kind: 'anon', nodePages: [7] }),
    ];
    expect(told('libvirt-actual', 'vmm', world)).toEqual([41_943_040, 600, 41_942_440]);
  });

  it.each([
    [['qemu', '-m', '512'], 524_288],
    [['qemu', '-m', 'size=2G,slots=4'], 2_097_152],
    [['qemu', '-m', '40gb'], 41_943_040],
    [['qemu', '-m', 'lots'], undefined],
    [['qemu', '-m'], undefined],
    [['512', 'qemu'], undefined],
  ])('libvirt: the command line %j', (cmdline, kb) => {
    const world = sampleWorld();
    world.facts.processes = [sampleProcess({ cmdline })];
    expect(told('libvirt-actual', 'vmm', world)?.[0]).toBe(kb);
  });

  it('kubelet: usage without the inactive files, never below zero, and nothing of the root', () => {
    const world = sampleWorld();
    world.facts.cgroups[1]!.stat['inactive_file'] = 100 * 4096;
    expect(told('kubelet-working-set', '/a', world)).toEqual([800, 1800, -1000]);
    world.facts.cgroups[1]!.stat['inactive_file'] = 10 ** 9;
    expect(told('kubelet-working-set', '/a', world)?.[0]).toBe(0);
    expect(told('kubelet-working-set', '/', world)).toBeNull();
  });

  it('MemAvailable and free: what is free, used and cache', () => {
    const world = sampleWorld();
    world.facts.system.meminfoPages = { MemAvailable: 300_000, Buffers: 10 };
    const [available, used, old, cache] = [
      'mem-available',
      'free-used',
      'free-used-3',
      'free-buff-cache',
    ].map((tool) => told(tool, 'machine', world));
    const freeKb = 2 * 200_001 * 4;
    const totalKb = 2 * 262_144 * 4;
    const usedKb = totalKb - freeKb;
    expect(available).toEqual([1_200_000, freeKb + 6000, 1_200_000 - freeKb - 6000]);
    expect(used).toEqual([
      totalKb - 1_200_000,
      2 * 62_143 * 4 - 6000,
      totalKb - 1_200_000 - 2 * 62_143 * 4 + 6000,
    ]);
    // 1119 + 819 pages of files, of which 1500 can be given back: the private memory hides in the cache.
    expect(cache).toEqual([1938 * 4, 6000, 438 * 4]);
    expect(old).toEqual([usedKb - 1938 * 4, 2 * 62_143 * 4 - 6000, -438 * 4]);
  });

  it('do not count a locked file as cache that can be given back', () => {
    const world = sampleWorld();
    world.truth.holdings.at(-1)!.unevictableNodePages = [300, 0];
    expect(told('free-buff-cache', 'machine', world)?.[1]).toBe(1200 * 4);
  });
});
