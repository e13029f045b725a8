import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Played, play, TALK } from './play.ts';
import { PRESETS } from './lab.ts';

/** A guest of any size, on any nodes, of which parts are prefetched, touched, shared and given back. Sizes in units of 64 KiB. */
interface Life {
  size: number;
  nodes: number[];
  mode: 'bind' | 'interleave';
  prefetched: number;
  touched: number;
  shared: number;
}

const UNIT = 16;
const LIFE: fc.Arbitrary<Life> = fc
  .record({
    size: fc.integer({ min: 1, max: 4096 }),
    nodes: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
    mode: fc.constantFrom('bind' as const, 'interleave' as const),
    a: fc.nat(100),
    b: fc.nat(100),
    c: fc.nat(100),
  })
  .map(({ a, b, c, size, ...rest }) => ({
    ...rest,
    size,
    prefetched: Math.floor((size * a) / 100),
    touched: Math.floor((size * b) / 100),
    shared: Math.floor((size * c) / 100),
  }));

const kb = (units: number): string => `${units * UNIT * 4}K`;
const when = (units: number, step: string): string => (units > 0 ? step : 'noop');

/** The events T1 to T6 of a guest's life. */
const script = ({ size, nodes, mode, prefetched, touched, shared }: Life): string => `
cgroup create /vm
cgroup move w0 /vm
mempolicy ${mode} ${nodes.join(',')}
vm create snp
memfd create ram ${kb(size)}
memfd map ram shared
gmem create g ${kb(size)}
vm slot 0 0 ${kb(size)} ram 0 g 0
vm attr 0 ${kb(size)} private
fork helper
helper: memfd unmap ram
helper: memfd close ram
snapshot base
${when(prefetched, `gmem fallocate g 0 ${kb(prefetched)}`)}
snapshot T1
${when(touched, `vm touch 0 ${kb(touched)}`)}
snapshot T2
${when(shared, `vm attr 0 ${kb(shared)} shared`)}
snapshot T3
${when(shared, `gmem punch g 0 ${kb(shared)}`)}
${when(shared, `vm touch 0 ${kb(shared)}`)}
snapshot T4
vm unslot 0
snapshot T5
kill w0
snapshot T6
`;

/** What each design must report at T1 to T5, in units: RSS beyond the base. */
function expected({ prefetched, touched, shared }: Life): Record<'held' | 'mapped' | 'nothing', number[]> {
  const held = Math.max(prefetched, touched);
  const left = Math.max(0, held - shared);
  const mapped = Math.max(0, touched - shared);
  return {
    held: [prefetched, held, held, left + shared, left + shared],
    mapped: [0, touched, mapped, mapped + shared, shared],
    nothing: [0, 0, 0, shared, shared],
  };
}

const EVENTS = ['T1', 'T2', 'T3', 'T4', 'T5'] as const;
const KIND: Readonly<Record<string, 'held' | 'mapped' | 'nothing'>> = {
  'page-cache': 'nothing',
  'shadow-vma': 'held',
  'shadow-vma{ptes=tdp}': 'mapped',
  'shadow-vma{ptes=never}': 'nothing',
  'shadow-vma{entries=pfn}': 'nothing',
  'tdp-fault': 'mapped',
  'tdp-fault{counter=own}': 'mapped',
  'tdp-fault{roots=each,precharge=true}': 'mapped',
  'alloc-charge': 'held',
  'alloc-charge{counter=own}': 'held',
  'alloc-charge{owner=current}': 'held',
  tracker: 'nothing',
  fbind: 'nothing',
  'mempolicy-dup': 'nothing',
  upstream: 'nothing',
};

const pagesOn = (run: Played, label: string, object: string): number[] => run.nodesOf(label, object);

describe('the tables come out of any guest', () => {
  it.each(Object.entries(KIND))('RSS under %s over the life of a guest: %s', (strategy, kind) => {
    fc.assert(
      fc.property(LIFE, (life) => {
        const run = play(strategy, script(life), { machine: TALK });
        const base = run.rss('base')!;
        expect(EVENTS.map((at) => (run.rss(at)! - base) / UNIT)).toEqual(expected(life)[kind]);
        // Nothing is left of it when the VMM is gone, and no counter was wrong.
        expect(run.rss('T6', 'helper')).toBe(0);
        expect(run.run.findings.filter(({ kind: of }) => of === 'law')).toEqual([]);
      }),
      { numRuns: 12, seed: 7 },
    );
  });

  it('memory, cgroup and nodes are the same under every design', () => {
    fc.assert(
      fc.property(LIFE, (life) => {
        const seen = PRESETS.map((strategy) => {
          const run = play(strategy, script(life), { machine: TALK });
          return [...EVENTS, 'T6'].map((at) => [
            pagesOn(run, at, 'g'),
            run.cgroup(at, '/vm').stat['unevictable'],
            run.snapshot(at).facts.nodes.map(({ counters }) => counters['nr_file_pages']),
          ]);
        });
        for (const one of seen) expect(one).toEqual(seen[0]);
        const { size, nodes, prefetched, touched } = life;
        const at = (label: number): number[] => (seen[0]![label]![0] as number[]).map((n) => n / UNIT);
        const total = at(1).reduce((sum, n) => sum + n, 0);
        expect(total).toBe(Math.max(prefetched, touched));
        expect(total).toBeLessThanOrEqual(size);
        // Only the nodes of the policy hold any of it, interleaved alike up to what else the thread's counter places.
        at(1).forEach((n, nid) => expect(n > 0 && !nodes.includes(nid)).toBe(false));
        if (life.mode === 'interleave') {
          const each = at(1).filter((_, nid) => nodes.includes(nid));
          expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(total * 0.02 + 2);
        }
      }),
      { numRuns: 12, seed: 7 },
    );
  });

  it('VmSize, page tables, smaps and the tracker follow from what is allocated', () => {
    fc.assert(
      fc.property(LIFE, (life) => {
        const runs = ['page-cache', 'shadow-vma', 'alloc-charge', 'tracker{oom=true}'].map((strategy) =>
          play(strategy, script(life), { machine: TALK }),
        );
        const [quo, shadow, charge, tracker] = runs.map((run) => run.process('T2')!);
        const held = Math.max(life.prefetched, life.touched) * UNIT;
        expect(shadow!.vmSizePages - quo!.vmSizePages).toBe(life.size * UNIT);
        expect(charge!.vmSizePages).toBe(quo!.vmSizePages);
        const walked = (process: typeof quo): number =>
          process!.vmas.reduce((sum, { numa }) => sum + numa.pages, 0);
        expect(walked(shadow) - walked(quo)).toBe(held);
        expect(walked(charge)).toBe(walked(quo));
        const tables = (shadow!.vmPteBytes - quo!.vmPteBytes) / 4096;
        const leaves = Math.ceil(held / 512);
        expect(tables - leaves).toBeGreaterThanOrEqual(0);
        expect(tables - leaves).toBeLessThanOrEqual(held > 0 ? 4 : 0);
        expect(shadow!.oomBadnessPages! - quo!.oomBadnessPages!).toBe(held + tables);
        expect(charge!.oomBadnessPages! - quo!.oomBadnessPages!).toBe(held);
        expect(tracker!.oomBadnessPages! - quo!.oomBadnessPages!).toBe(held);
      }),
      { numRuns: 12, seed: 7 },
    );
  });
});

describe('two backends wanted on any two node sets', () => {
  const WISHES: fc.Arbitrary<{ a: number[]; b: number[]; size: number; cpu: number; early: number }> =
    fc.record({
      a: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      b: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      size: fc.integer({ min: 4, max: 512 }),
      cpu: fc.nat(3),
      early: fc.nat(4),
    });

  it.each(PRESETS)('under %s', (strategy) => {
    fc.assert(
      fc.property(WISHES, ({ a, b, size, cpu, early }) => {
        const fetched = Math.floor((size * early) / 4);
        const run = play(
          strategy,
          `
affinity ${cpu}
vm create snp
memfd create rama ${kb(size)}
memfd create ramb ${kb(size)}
memfd map rama shared
memfd map ramb shared
mbind rama 0 ${kb(size)} bind ${a.join(',')}
mbind ramb 0 ${kb(size)} bind ${b.join(',')}
gmem create a ${kb(size)}
gmem create b ${kb(size)}
vm slot 0 0 ${kb(size)} rama 0 a 0
vm slot 1 1G ${kb(size)} ramb 0 b 0
vm attr 0 ${kb(size)} private
vm attr 1G ${kb(size)} private
gmem policy a 0 ${kb(size)} bind ${a.join(',')}
gmem policy b 0 ${kb(size)} bind ${b.join(',')}
${when(fetched, `gmem fallocate a 0 ${kb(fetched)}`)}
vm touch 0 ${kb(size)}
vm touch 1G ${kb(size)}
snapshot full
`,
          { machine: TALK },
        );
        const binds = ['shadow-vma', 'fbind', 'mempolicy-dup', 'upstream'].includes(strategy);
        for (const [name, nodes] of [
          ['a', a],
          ['b', b],
        ] as const) {
          const places = run.nodesOf('full', name).flatMap((n, nid) => (n > 0 ? [nid] : []));
          // bind takes the nearest of its nodes; without it the thread's own node decides.
          const nearest = [cpu, cpu ^ 1, ...[0, 1, 2, 3].sort((x, y) => near(cpu, x) - near(cpu, y))];
          expect(places).toEqual([binds ? nearest.find((nid) => nodes.includes(nid))! : cpu]);
        }
      }),
      { numRuns: 10, seed: 3 },
    );
  });
});

const near = (from: number, to: number): number => TALK.distances[from]![to]!;
