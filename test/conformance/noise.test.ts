import { describe, expect, it } from 'vitest';
import { NO_LEFTOVERS } from '../../src/conformance/leftovers.ts';
import { NOISE, noiseFor, type NoiseContext } from '../../src/conformance/noise.ts';
import { OUTCOME_NOISE } from '../../src/conformance/outcome-noise.ts';
import { pressureOf } from '../../src/conformance/pressure-noise.ts';
import { NOT_BY_CHANCE } from '../../src/conformance/referenced-noise.ts';
import { OUT_OF_SCOPE, outOfScope } from '../../src/conformance/out-of-scope.ts';
import { Tally } from '../../src/conformance/tally.ts';
import { compareCounters } from '../../src/conformance/compare-counters.ts';

const QUIET: NoiseContext = {
  cpus: 4,
  nodes: 4,
  nid: null,
  interleaves: false,
  workerChanges: 0,
  ownAnonPages: 0,
  ownFilePages: 0,
  slabPages: 0,
  movesProcesses: false,
  movedByCpuset: 0,
  referenced: NOT_BY_CHANCE,
  scoreSpan: 0,
  waitingPages: 0,
  hasTinySlab: false,
  lostBuffers: 0,
  otherKernelPages: 0,
  knowsPageLists: true,
  leftovers: NO_LEFTOVERS,
  pressure: pressureOf(new Map(), null, null, new Map(), false),
  workers: 0,
  collapsed: 0,
};

describe('noise', () => {
  it('gives every class a bound and a reason, and an id of its own', () => {
    const all = [...NOISE, ...OUTCOME_NOISE];
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const { bound, reason } of all) {
      expect(bound).not.toBe('');
      expect(reason).not.toBe('');
    }
    for (const { fields } of NOISE) expect(fields.length).toBeGreaterThan(0);
  });

  it.each([
    ['meminfo', 'Cached'],
    ['meminfo', 'Unevictable'],
    ['meminfo', 'Shmem'],
    ['meminfo', 'Mapped'],
    ['meminfo', 'Committed_AS'],
    ['node meminfo', 'FilePages'],
    ['node meminfo', 'Unevictable'],
    ['memory.stat', 'file'],
    ['memory.stat', 'unevictable'],
    ['memory.numa_stat', 'shmem'],
    ['memory.events', 'oom_kill'],
    ['status', 'VmRSS'],
    ['status', 'RssFile'],
    ['status', 'HugetlbPages'],
    ['status', 'VmSwap'],
    ['smaps', 'Private_Hugetlb'],
    ['smaps', 'AnonHugePages'],
    ['smaps', 'Swap'],
    ['smaps', 'SwapPss'],
    ['meminfo', 'HugePages_Total'],
    ['meminfo', 'HugePages_Free'],
    ['meminfo', 'HugePages_Rsvd'],
    ['meminfo', 'Hugetlb'],
    ['meminfo', 'AnonHugePages'],
    ['meminfo', 'ShmemHugePages'],
    ['meminfo', 'ShmemPmdMapped'],
    ['meminfo', 'SwapTotal'],
    ['meminfo', 'SwapFree'],
    ['meminfo', 'SwapCached'],
    ['node meminfo', 'HugePages_Free'],
    ['node meminfo', 'AnonHugePages'],
    ['memory.stat', 'anon_thp'],
    ['memory.stat', 'shmem_thp'],
    ['memory.stat', 'swapcached'],
    ['memory.numa_stat', 'anon_thp'],
    ['memory.swap.current', 'memory.swap.current'],
  ] as const)('has none for %s %s', (fieldClass, name) => {
    expect(noiseFor(fieldClass, name, QUIET)).toEqual({ bound: 0, ids: [] });
    expect(outOfScope(fieldClass, name)).toBeUndefined();
  });

  it.each([
    ['node meminfo', 'FilePages', { interleaves: true }, 12],
    ['memory.numa_stat', 'file', { interleaves: true }, 12288],
    ['meminfo', 'MemFree', {}, 12_288],
    ['meminfo', 'MemFree', { knowsPageLists: false }, 163_840],
    ['node meminfo', 'MemFree', { nid: 2, knowsPageLists: false }, 40_960],
    ['node numastat', 'numa_hit', { nid: 1 }, 512],
    ['node numastat', 'numa_hit', { nid: 2 }, 128],
    ['node numastat', 'numa_hit', { nid: 1, hasTinySlab: true }, 4096],
    ['meminfo', 'HugePages_Free', { leftovers: { poolPages: 37, offlinePages: 0 } }, 37],
    ['meminfo', 'Hugetlb', { leftovers: { poolPages: 37, offlinePages: 0 } }, 37 * 2048],
    ['node meminfo', 'MemTotal', { leftovers: { poolPages: 0, offlinePages: 70_000 } }, 280_000],
    ['memory.current', 'memory.current', {}, (64 * 4 + 28) * 4096],
    ['memory.events', 'high', {}, 0],
    ['memory.events', 'high', { otherKernelPages: 25 }, 17],
    ['memory.events', 'high', { otherKernelPages: 65 }, 34],
    ['meminfo', 'Buffers', {}, 0],
    ['memory.stat', 'inactive_file', { lostBuffers: 1 }, 4096],
    ['meminfo', 'AnonPages', {}, 32],
    ['meminfo', 'AnonPages', { ownAnonPages: 22 }, 120],
    ['node meminfo', 'Shmem', { movesProcesses: true }, 960],
    ['memory.numa_stat', 'file_mapped', { movesProcesses: true }, 240 * 4096],
    ['numa_maps', 'N2', { waitingPages: 3000 }, 3000],
    ['node numastat', 'numa_foreign', { nid: 2, waitingPages: 3000 }, 3128],
    ['meminfo', 'Mapped', { ownFilePages: 129 }, 516],
    ['node meminfo', 'Slab', { nid: 0, slabPages: 100 }, 656],
    // A fork and a death: twice twelve pages, and eight.
    ['meminfo', 'AnonPages', { workerChanges: 2 }, 128],
    ['node numastat', 'numa_hit', { nid: 1, workers: 6 }, 1280],
    ['node numastat', 'numa_hit', { nid: 3, movesProcesses: true }, 368],
    ['node numastat', 'numa_hit', { nid: 3, movedByCpuset: 1000 }, 128],
    ['node numastat', 'local_node', { nid: 3, movedByCpuset: 1000 }, 1128],
    ['smaps', 'Referenced', { referenced: { monitored: 512, batched: 0 } }, 2048],
    ['smaps_rollup', 'Referenced', { referenced: { monitored: 512, batched: 1 } }, 2052],
    ['oom_score', 'oom_score', { scoreSpan: 2 }, 2],
  ] as const)('bounds %s %s in the unit of the file', (fieldClass, name, context, bound) => {
    expect(noiseFor(fieldClass, name, { ...QUIET, ...context }).bound).toBe(bound);
  });

  it('compares how far a number moved, up to the bound and not beyond', () => {
    const judge = (by: number): string => {
      const tally = new Tally();
      compareCounters(tally, {
        fieldClass: 'meminfo',
        unit: ' kB',
        kernel: { before: new Map([['AnonPages', 100]]), now: new Map([['AnonPages', 140]]) },
        model: { before: new Map([['AnonPages', 900]]), now: new Map([['AnonPages', 940 + by]]) },
        context: QUIET,
      });
      const { exact, noise } = tally.classCounts()[0]!.count;
      return exact ? 'exact' : noise ? 'noise' : 'off';
    };
    expect([0, 32, -32, 36, -36].map(judge)).toEqual(['exact', 'noise', 'noise', 'off', 'off']);
  });

  it('counts a field that the model lacks as off', () => {
    const tally = new Tally();
    compareCounters(tally, {
      fieldClass: 'memory.stat',
      unit: '',
      kernel: { before: new Map(), now: new Map([['anon', 0]]) },
      model: { before: null, now: null },
      context: QUIET,
    });
    expect(tally.offences).toMatchObject([{ field: 'anon', kernel: 'anon: 0 (+0)', model: null }]);
  });
});

describe('out of scope', () => {
  it('states a reason for each entry', () => {
    for (const { fields, reason } of OUT_OF_SCOPE) {
      expect(fields).not.toBe('');
      expect(reason).not.toBe('');
    }
  });

  it('is not counted at all', () => {
    const tally = new Tally();
    tally.text({ fieldClass: 'meminfo', field: 'Percpu', kernel: 'a', model: 'b' });
    expect(tally.classCounts()).toEqual([]);
    expect(outOfScope('meminfo', 'Percpu')?.reason).toMatch(/per-CPU/);
    expect(outOfScope('meminfo', 'Cached')).toBe(undefined);
    expect(outOfScope('memory.stat', 'pgfault')).toBeDefined();
    expect(outOfScope('memory.stat', 'pgscan')).toBe(undefined);
  });
});
