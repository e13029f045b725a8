import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModeName, Step, StepArgs } from '../../src/scenario/types.ts';
import { snapshotFacts } from '../../src/simulation/readers/snapshot-facts.ts';
import { truthFacts } from '../../src/simulation/readers/truth-facts.ts';
import { Lab, pages, PRESETS, step } from './lab.ts';

/** A range of pages that something happens to, in one step or in many. */
interface Access {
  kind: 'fallocate' | 'punch' | 'touch' | 'guest' | 'attr';
  on: number;
  from: number;
  count: number;
  flag: boolean;
}

const SIZE = 700;
const access: fc.Arbitrary<Access> = fc.record({
  kind: fc.constantFrom('fallocate', 'punch', 'touch', 'touch', 'guest', 'guest', 'guest', 'attr'),
  on: fc.nat(10),
  from: fc.nat(SIZE - 1),
  count: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(SIZE), fc.constant(200)),
  flag: fc.boolean(),
});

/** The step of an access to some of its pages. */
function stepOf({ kind, on, flag }: Access, from: number, count: number): Step {
  const range = { offset: pages(from), bytes: pages(count) };
  const guest = { gpa: pages(from), bytes: pages(count) };
  const file = on % 2 > 0 ? ({ kind: 'gmem', name: 'g' } as const) : ({ kind: 'memfd', name: 'm' } as const);
  switch (kind) {
    case 'fallocate':
    case 'punch':
      return step(kind, { ...file, ...range });
    case 'touch':
      return step('touch', { name: ['m', 'p', 'n'][on % 3]!, ...range, write: flag, random: null });
    case 'guest':
      return step('vm touch', { ...guest, code: null, step: 4096, vcpu: on % 2, random: null });
    case 'attr':
      return step('vm attr', { ...guest, to: flag ? 'private' : 'shared' });
  }
}

type Policies = Readonly<Record<'main' | 'vcpu' | 'memfd', readonly [ModeName, number[]]>>;

/** A guest of 700 pages with both pools, a private mapping of the memfd and anonymous memory beside it. */
function build(config: ConstructorParameters<typeof Lab>[0], { main, vcpu, memfd }: Policies): Lab {
  const lab = new Lab(config);
  const bytes = pages(SIZE);
  const policy = ([mode, nodes]: readonly [ModeName, number[]]): StepArgs['mempolicy'] => ({
    mode,
    flags: [],
    nodes,
  });
  const map = { readOnly: false, at: null, offset: null, bytes: null };
  lab.do('cgroup create', { path: '/vm' });
  lab.do('cgroup move', { worker: 'w0', path: '/vm' });
  lab.do('vm create', { type: 'swprot' });
  lab.do('gmem create', { name: 'g', bytes, flags: 0 });
  lab.do('memfd create', { name: 'm', bytes, hugetlb: false, cloexec: false, file: 'm' });
  lab.do('map', { kind: 'memfd', name: 'm', shared: true, ...map });
  lab.do('mbind', {
    name: 'm',
    offset: pages(100),
    bytes: pages(300),
    ...policy(memfd),
    move: false,
    strict: false,
  });
  lab.do('memfd create', { name: 'p', bytes, hugetlb: false, cloexec: false, file: 'p' });
  lab.do('map', { kind: 'memfd', name: 'p', shared: false, ...map });
  lab.do('anon map', { name: 'n', bytes, shared: false, hugetlb: false, noreserve: false, at: null });
  lab.do('vm slot', { slot: 0, gpa: 0, bytes, object: 'm', offset: 0, gmem: 'g', gmemOffset: 0 });
  lab.do('vm attr', { gpa: 0, bytes: pages(500), to: 'private' });
  lab.do('mempolicy', policy(main));
  lab.do('vm vcpu', { index: 1, cpu: 2, ...policy(vcpu) });
  lab.do('fork', { worker: 'f1' });
  return lab;
}

/** Runs the accesses in one step each in one lab, in one step a page in the other. */
function play(
  list: readonly Access[],
  config: ConstructorParameters<typeof Lab>[0],
  policies: Policies,
): [Lab, Lab] {
  const [whole, single] = [build(config, policies), build(config, policies)];
  for (const each of list) {
    const count = Math.min(each.count, SIZE - each.from);
    expect(whole.run(stepOf(each, each.from, count)).errno).toBe('');
    for (let i = 0; i < count; i++) expect(single.run(stepOf(each, each.from + i, 1)).errno).toBe('');
  }
  return [whole, single];
}

/** All that the readers say. Which frames were free is another matter: single pages take turns with page tables. */
function facts({ world }: Lab): unknown {
  const { nodes, ...rest } = snapshotFacts(world);
  const withoutOrders = nodes.map(({ zones, ...node }) => ({
    ...node,
    zones: zones.map((zone) => ({ ...zone, freeByOrder: null })),
  }));
  const { inBothPools, ...truth } = truthFacts(world);
  // How many steps pages were in both pools for is a matter of the steps.
  const doubled = inBothPools?.map(({ object, pages, peakPages }) => ({ object, pages, peakPages }));
  return { ...rest, nodes: withoutOrders, truth, doubled };
}

/** What designs attributed; how many postings that took is another matter. */
const booked = ({ world }: Lab): unknown => world.ledger.lines().map((line) => ({ ...line, postings: null }));

/** The same with numbers per node added up. */
function totals(lab: Lab): unknown {
  const { world } = lab;
  const sum = (counts: readonly number[]): number => counts.reduce((total, n) => total + n, 0);
  const { nodes, cgroups, processes } = snapshotFacts(world);
  const counters = Object.keys(nodes[0]!.counters).map((name) => [
    name,
    sum(nodes.map((node) => node.counters[name]!)),
  ]);
  return {
    counters,
    cgroups: cgroups.map((cgroup) => ({ ...cgroup, numaStat: null })),
    processes: processes.map((process) => ({
      ...process,
      vmas: process.vmas.map((vma) => ({ ...vma, numa: { ...vma.numa, nodes: sum(vma.numa.nodes) } })),
    })),
    holdings: truthFacts(world).holdings.map((holding) => ({
      ...holding,
      nodePages: sum(holding.nodePages),
    })),
  };
}

const exact = fc.constantFrom<readonly [ModeName, number[]]>(
  ['default', []],
  ['bind', [3, 1]],
  ['preferred', [2]],
);
const counting = fc.constantFrom<readonly [ModeName, number[]]>(
  ['interleave', [2, 3]],
  ['interleave', [0, 1, 3]],
);

describe('one step over a range is as good as a step for each page', () => {
  it.each(PRESETS)('to the last fact under %s', (strategy) => {
    fc.assert(
      fc.property(
        fc.array(access, { minLength: 3, maxLength: 8 }),
        // The memfd interleaves by index: exact, too.
        fc.record({ main: exact, vcpu: exact, memfd: fc.oneof(exact, counting) }),
        fc.constantFrom('6.12', '7.3'),
        (list, policies, kernel) => {
          const [whole, single] = play(list, { strategy, kernel }, policies);
          expect(facts(single)).toEqual(facts(whole));
          expect(booked(single)).toEqual(booked(whole));
        },
      ),
      { numRuns: 5, seed: 1 },
    );
  });

  it('but for the nodes that an interleave counter chose: page tables and slabs take their turns between pages', () => {
    fc.assert(
      fc.property(
        fc.array(access, { minLength: 3, maxLength: 8 }),
        fc.record({ main: counting, vcpu: counting, memfd: counting }),
        (list, policies) => {
          const [whole, single] = play(list, {}, policies);
          expect(totals(single)).toEqual(totals(whole));
        },
      ),
      { numRuns: 10, seed: 1 },
    );
  });

  it('and each node gets its share of fresh pages either way, up to the turns of tables and slabs', () => {
    const policies: Policies = {
      main: ['interleave', [2, 3]],
      vcpu: ['interleave', [2, 3]],
      memfd: ['bind', [0]],
    };
    const all: Access[] = [
      { kind: 'fallocate', on: 1, from: 0, count: 300, flag: false },
      { kind: 'guest', on: 1, from: 0, count: 500, flag: false },
    ];
    for (const { world } of play(all, {}, policies)) {
      const holding = truthFacts(world).holdings.find(({ kind }) => kind === 'gmem')!;
      const [a, b, c, d] = holding.nodePages as [number, number, number, number];
      expect([a, b, c + d]).toEqual([0, 0, 500]);
      // 5 second-level tables, and two turns for each of the slabs of 9 xarray nodes.
      expect(Math.abs(c - d)).toBeLessThanOrEqual(2 * 8);
    }
  });
});
