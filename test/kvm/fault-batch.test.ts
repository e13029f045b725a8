import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guestAccessPages } from '../../src/kvm/fault-batch.ts';
import { guestAccess, type GuestExit } from '../../src/kvm/page-fault.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import { truthFacts } from '../../src/simulation/readers/truth-facts.ts';
import { snapshotFacts } from '../../src/simulation/readers/snapshot-facts.ts';
import { Lab, pages, PRESETS } from '../simulation/lab.ts';

const SIZE = 1400;

/** Two slots on one gmem with a hole between them; private but for a stretch of the first. Some pages are there already. */
function guest(strategy: string, kernel: Scenario['kernel'], nodes: number[]): Lab {
  const lab = new Lab({ strategy, kernel });
  const bytes = pages(SIZE);
  lab.do('cgroup create', { path: '/vm' });
  lab.do('cgroup move', { worker: 'w0', path: '/vm' });
  lab.do('vm create', { type: 'snp' });
  lab.do('gmem create', { name: 'g', bytes, flags: 0 });
  lab.do('memfd create', { name: 'm', bytes, hugetlb: false, cloexec: false, file: 'm' });
  lab.do('map', {
    kind: 'memfd',
    name: 'm',
    shared: true,
    readOnly: false,
    at: null,
    offset: null,
    bytes: null,
  });
  lab.do('vm slot', {
    slot: 0,
    gpa: 0,
    bytes: pages(600),
    object: 'm',
    offset: 0,
    gmem: 'g',
    gmemOffset: pages(700),
  });
  lab.do('vm slot', {
    slot: 1,
    gpa: pages(700),
    bytes: pages(700),
    object: 'm',
    offset: pages(600),
    gmem: 'g',
    gmemOffset: 0,
  });
  lab.do('vm attr', { gpa: 0, bytes, to: 'private' });
  lab.do('vm attr', { gpa: pages(100), bytes: pages(50), to: 'shared' });
  lab.do('fallocate', { kind: 'gmem', name: 'g', offset: pages(720), bytes: pages(40) });
  lab.do('mempolicy', { mode: nodes.length > 1 ? 'interleave' : 'bind', flags: [], nodes });
  return lab;
}

/** Runs the accesses in one lab and tells what came back. */
function access(lab: Lab, gfns: readonly number[], inOne: boolean): GuestExit | null {
  const { kvm, workers } = lab.world;
  const vm = [...kvm.vms][0]!;
  const { task } = workers.get('w0')!;
  if (inOne) return guestAccessPages(kvm, vm, task, Float64Array.from(gfns), gfns.length);
  for (const gfn of gfns) {
    const exit = guestAccess(kvm, vm, task, gfn, 1, 'attribute');
    if (exit) return exit;
  }
  return null;
}

function mapped(lab: Lab): unknown {
  const [vm] = lab.world.kvm.vms;
  const shared: number[] = [];
  vm!.tdp.forEach(0, SIZE, (gfn, n) => shared.push(gfn, n));
  const slots = [...vm!.slots.values()].map((slot) => {
    const runs: number[] = [];
    slot.mapped.forEachRun(0, SIZE, (at, n) => void runs.push(at, n));
    return runs;
  });
  return { shared, slots, tables: vm!.tables.size };
}

const withHoles = fc.uniqueArray(fc.nat(SIZE - 1), { minLength: 1, maxLength: 300 });
/** Frames of the slots only. */
const inSlots = fc.uniqueArray(
  fc.nat(SIZE - 1).filter((gfn) => gfn < 600 || gfn >= 700),
  { minLength: 300, maxLength: 900, size: 'max' },
);
const kernels = fc.constantFrom<Scenario['kernel']>('6.12', '7.3');

describe('guestAccessPages is guestAccess page after page', () => {
  it.each(PRESETS)('with the same frames on the same nodes under %s', (strategy) => {
    fc.assert(
      fc.property(inSlots, kernels, fc.nat(3), (gfns, kernel, node) => {
        const [batch, single] = [guest(strategy, kernel, [node]), guest(strategy, kernel, [node])];
        expect(access(batch, gfns, true)).toEqual(access(single, gfns, false));
        expect(mapped(batch)).toEqual(mapped(single));
        const facts = (lab: Lab): unknown => {
          const { cgroups, processes } = snapshotFacts(lab.world);
          return { cgroups, processes, truth: truthFacts(lab.world) };
        };
        expect(facts(batch)).toEqual(facts(single));
      }),
      { numRuns: 4, seed: 1 },
    );
  });

  it('stops at the same exit', () => {
    fc.assert(
      fc.property(withHoles, kernels, (gfns, kernel) => {
        const [batch, single] = [guest('page-cache', kernel, [0]), guest('page-cache', kernel, [0])];
        const exit = access(single, gfns, false);
        expect(access(batch, gfns, true)).toEqual(exit);
        expect(exit).toEqual(
          gfns.some((gfn) => gfn >= 600 && gfn < 700)
            ? expect.objectContaining({ reason: 'KVM_EXIT_MEMORY_FAULT', errno: 'EFAULT', isPrivate: true })
            : null,
        );
        expect(mapped(batch)).toEqual(mapped(single));
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  it('with the same share for each node, up to the turns of page tables and slabs, under an interleave counter', () => {
    fc.assert(
      fc.property(inSlots, (gfns) => {
        const labs = [guest('page-cache', '6.12', [1, 3]), guest('page-cache', '6.12', [1, 3])] as const;
        access(labs[0], gfns, true);
        access(labs[1], gfns, false);
        const [batch, single] = labs.map((lab) => {
          const gmem = truthFacts(lab.world).holdings.find(({ kind }) => kind === 'gmem')!;
          return gmem.nodePages;
        });
        const sum = (counts: number[]): number => counts.reduce((total, n) => total + n, 0);
        expect(sum(batch!)).toBe(sum(single!));
        // At most 8 second-level tables, and two turns for each of at most two slabs, on either side.
        for (const nid of [1, 3]) expect(Math.abs(batch![nid]! - single![nid]!)).toBeLessThanOrEqual(2 * 12);
      }),
      { numRuns: 10, seed: 1 },
    );
  });
});
