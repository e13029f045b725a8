import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_ITEMS, MEMCG_ITEMS, type Memcg } from '../../src/kernel/memcg.ts';
import type { Scenario, Step } from '../../src/scenario/types.ts';
import { checkLaws } from '../../src/simulation/laws.ts';
import type { World } from '../../src/simulation/world.ts';
import { fourNodes, Lab, MiB, PRESETS, step } from './lab.ts';
import { chooseStep, draws, endOfEverything, opening } from './random-steps.ts';

const kernels = fc.constantFrom<Scenario['kernel']>('6.12', '6.18', '7.3');

describe('at the end of everything every counter is back where it began', () => {
  it.each(PRESETS)('%s', (strategy) => {
    fc.assert(
      fc.property(draws(30), kernels, fc.boolean(), (list, kernel, isGmemOnly) => {
        const lab = new Lab({ strategy, kernel });
        run(lab, opening(lab.world, isGmemOnly), list);
      }),
      { numRuns: 7, seed: 1 },
    );
  });

  const inTheWay = [
    ['page-cache', 0],
    ['shadow-vma', 0],
    ['alloc-charge', 0],
    ['page-cache', 16],
    ['shadow-vma', 16],
    ['tdp-fault', 16],
  ] as const;
  it.each(inTheWay)('%s, with limits in the way and %i MiB of swap', (strategy, swapMib) => {
    const machine = fourNodes(256 * MiB);
    if (swapMib > 0) machine.swap = { bytes: swapMib * MiB, isOn: true };
    const limits = fc.array(fc.option(fc.integer({ min: 0, max: 2400 })), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(draws(30), kernels, limits, (list, kernel, pages) => {
        const lab = new Lab({ strategy, kernel, machine });
        run(lab, opening(lab.world, false), list, (i) => {
          const max = pages[i];
          if (max === null || max === undefined) return [];
          const path = i % 2 > 0 ? '/b' : '/a';
          const value = max > 2300 ? 'max' : `${max * 4096}`;
          return [
            step('cgroup limit', { path, file: 'memory.max', value }),
            step('cgroup move', { worker: 'w0', path }),
          ];
        });
      }),
      { numRuns: 10, seed: 1 },
    );
  });

  it.each(['page-cache', 'tdp-fault', 'shadow-vma'])('%s, with too little memory', (strategy) => {
    fc.assert(
      fc.property(draws(30), kernels, fc.integer({ min: 2, max: 6 }), (list, kernel, size) => {
        const machine = fourNodes(size * MiB);
        if (size % 2 === 0) machine.swap = { bytes: 8 * MiB, isOn: true };
        const lab = new Lab({ strategy, kernel, machine });
        run(lab, opening(lab.world, false), list);
      }),
      { numRuns: 10, seed: 1 },
    );
  });
});

/** Runs a random script to its end, ends everything, and compares the world with what it was before. */
function run(
  lab: Lab,
  first: Step[],
  list: Parameters<typeof chooseStep>[1][],
  before: (i: number) => Step[] = () => [],
): void {
  const { world } = lab;
  const groups = new Set<Memcg>();
  const start = leftovers(world, groups);
  const script: string[] = [];
  const play = (next: Step): void => {
    script.push(`${next.who ?? 'ctl'}: ${next.verb} ${JSON.stringify(next.args)}`);
    try {
      lab.run(next);
    } catch (error) {
      throw new Error(script.slice(-8).join('\n'), { cause: error });
    }
    for (const group of world.kernel.memcgs.values()) groups.add(group);
    checkLaws(world);
    expect(
      world.findings.filter(({ kind }) => kind === 'law'),
      script.slice(-8).join('\n'),
    ).toEqual([]);
  };
  for (const next of first) play(next);
  list.forEach((draw, i) => {
    for (const next of before(i)) play(next);
    const next = chooseStep(world, draw);
    if (next) play(next);
  });
  for (const next of endOfEverything(world)) play(next);
  for (const stock of world.kernel.stocks) stock.drain();
  expect(leftovers(world, groups), script.slice(-8).join('\n')).toEqual(start);
  expect(world.ledger.lines().filter(({ pages }) => pages !== 0)).toEqual([]);
}

/** What of memory is in use, and by what: nothing at all in a world that is over. */
function leftovers(world: World, groups: ReadonlySet<Memcg>): Record<string, unknown> {
  const { kernel, kvm } = world;
  const counters: Record<string, number> = {};
  for (const node of kernel.nodes) {
    for (const [name, value] of Object.entries(node.counters()))
      if (value !== 0) counters[`node${node.nid} ${name}`] = value;
  }
  for (const group of groups) {
    for (const item of MEMCG_ITEMS) {
      if (EVENT_ITEMS.has(item)) continue;
      const value = group.total(item).reduce((sum, n) => sum + n, 0);
      if (value !== 0) counters[`${group.path} ${item}`] = value;
    }
    if (group.usage !== 0) counters[`${group.path} usage`] = group.usage;
  }
  return {
    counters,
    free: kernel.nodes.map((node) => node.freePages),
    frames: kernel.frames.size,
    freeSlots: kernel.swap.freePages,
    kernelFrames: kernel.kernelFrames,
    committed: kernel.committed,
    files: [...kernel.inodes]
      .filter((inode) => inode.refs > 0 || inode.cache.size > 0)
      .map(({ name }) => name),
    vms: kvm.vms.size,
    gmems: kvm.vmOfGmem.size,
  };
}
