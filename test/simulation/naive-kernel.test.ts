import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Memcg, MemcgItem } from '../../src/kernel/memcg.ts';
import type { NodeItemName } from '../../src/kernel/node.ts';
import { checkLaws } from '../../src/simulation/laws.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import type { World } from '../../src/simulation/world.ts';
import { Lab } from './lab.ts';
import {
  NaiveKernel,
  type NaivePage,
  type NaiveProcess,
  roundOf,
  type RotorStretch,
} from './naive-kernel.ts';
import { chooseStep, type Draw, draws, opening } from './random-steps.ts';

/** RSS that a design adds to the file pages of a process. */
type ExtraRss = (naive: NaiveKernel, process: NaiveProcess) => number;

const none: ExtraRss = () => 0;

const mappedIntoGuests: ExtraRss = (naive, process) => {
  let pages = 0;
  for (const vm of naive.vms) {
    if (vm.process !== process) continue;
    for (const slot of vm.slots.values()) pages += slot.mapped.size;
  }
  return pages;
};

const allocatedForItsVms: ExtraRss = (naive, process) => {
  let pages = 0;
  for (const file of naive.files) if (file.vm?.process === process) pages += file.pages.size;
  return pages;
};

describe('a world of random steps agrees with one that knows only single pages', () => {
  it.each<[string, Scenario['kernel'], ExtraRss, number]>([
    ['page-cache', '6.12', none, 10],
    ['page-cache', '7.3', none, 8],
    ['tracker', '6.18', none, 4],
    ['tdp-fault', '6.12', mappedIntoGuests, 4],
    ['alloc-charge', '7.3', allocatedForItsVms, 4],
  ])('%s on %s', (strategy, kernel, extra, numRuns) => {
    fc.assert(
      fc.property(draws(40), fc.boolean(), (list, isGmemOnly) =>
        play(list, new Lab({ strategy, kernel }), isGmemOnly, extra),
      ),
      { numRuns, seed: 1, endOnFailure: true },
    );
  });
});

function play(list: readonly Draw[], lab: Lab, isGmemOnly: boolean, extra: ExtraRss): void {
  const { world } = lab;
  world.kernel.weights.splice(0, 4, 1, 2, 1, 3);
  const naive = new NaiveKernel(world);
  for (const first of opening(world, isGmemOnly)) naive.apply(first, lab.run(first));
  const script: string[] = [];
  for (const draw of list) {
    const next = chooseStep(world, draw);
    if (!next) continue;
    script.push(`${next.who ?? 'ctl'}: ${next.verb} ${JSON.stringify(next.args)}`);
    const at = script.slice(-12).join('\n');
    const result = lab.run(next);
    const outcome = naive.apply(next, result);
    if ((next.verb.startsWith('vm ') && next.verb !== 'vm slot') || next.verb === 'gmem create')
      expect(result.ret < 0 ? 'fails' : 'ok', at).toBe(outcome);
    else if (next.verb !== 'vm slot' && !next.verb.startsWith('cgroup'))
      expect(result.ret, at).toBeGreaterThanOrEqual(0);
    expect(counters(world, naive), at).toEqual(naiveCounters(naive, extra));
    expect(pageErrors(world, naive), at).toEqual([]);
    expect(
      naive.stretches.flatMap((stretch) => spreadErrors(stretch, naive)),
      at,
    ).toEqual([]);
    checkLaws(world);
    expect(
      world.findings.filter(({ kind }) => kind === 'law'),
      at,
    ).toEqual([]);
  }
}

/** What the kernel counts. */
interface Counters {
  processes: Record<string, { rss: number[]; pages: number; vm: number; tables: number }>;
  nodes: Record<string, number[]>;
  groups: Record<string, number[]>;
  guests: { private: number; shared: number; tables: number | null; attributes: number }[];
  committed: number;
  frames: number;
}

const NODE_COUNTERS: readonly NodeItemName[] = [
  'nr_file_pages',
  'nr_shmem',
  'nr_anon_pages',
  'nr_mapped',
  'nr_unevictable',
  'nr_active_anon',
];
const GROUP_COUNTERS: readonly MemcgItem[] = [
  'anon',
  'file',
  'shmem',
  'file_mapped',
  'unevictable',
  'active_anon',
];

function counters(world: World, naive: NaiveKernel): Counters {
  const { kernel, kvm } = world;
  const processes: Counters['processes'] = {};
  for (const [name, { mm, isAlive }] of kernel.processes) {
    if (!isAlive) continue;
    const { anon, file, shmem } = mm!.rss;
    processes[name] = {
      rss: [anon, file, shmem],
      pages: mm!.pt.size,
      vm: mm!.totalVm,
      tables: mm!.tables.size,
    };
    expect(mm!.tablePages.count).toBe(mm!.tables.size + 1);
  }
  const groups: Counters['groups'] = {};
  for (const group of allGroups(world)) {
    for (const item of GROUP_COUNTERS)
      groups[`${group.id} ${item}`] = kernel.nodes.map(({ nid }) => group.own(item, nid));
  }
  return {
    processes,
    nodes: Object.fromEntries(
      NODE_COUNTERS.map((name) => [name, kernel.nodes.map((node) => node.counter(name))]),
    ),
    groups,
    guests: [...kvm.vms].map((vm, i) => ({
      private: [...vm.slots.values()].reduce((sum, slot) => sum + slot.mapped.size, 0),
      shared: vm.tdp.size,
      tables: [...naive.vms][i]?.tables ? vm.tables.size : null,
      attributes: vm.privateGfns.size,
    })),
    committed: kernel.committed,
    frames: kernel.frames.size,
  };
}

/** Groups that exist, and removed ones that still hold charges. */
function allGroups(world: World): Memcg[] {
  return [...world.kernel.memcgs.values(), ...world.kernel.dyingMemcgs];
}

function naiveCounters(naive: NaiveKernel, extra: ExtraRss): Counters {
  const pages = [...naive.pages()];
  const byNode = (counts: (page: NaivePage) => boolean): number[] => {
    const out = [0, 0, 0, 0];
    for (const page of pages) if (counts(page)) out[page.node]!++;
    return out;
  };
  const isMapped = ({ kind, maps }: NaivePage): boolean => kind !== 'anon' && maps > 0;
  const counted: Record<string, (page: NaivePage) => boolean> = {
    file: ({ kind }) => kind !== 'anon',
    shmem: ({ kind }) => kind === 'shmem',
    anon: ({ kind }) => kind === 'anon',
    file_mapped: isMapped,
    unevictable: ({ kind }) => kind === 'gmem',
    active_anon: ({ kind }) => kind !== 'gmem',
  };
  const names: Record<string, string> = {
    nr_file_pages: 'file',
    nr_anon_pages: 'anon',
    nr_mapped: 'file_mapped',
  };
  const groups: Counters['groups'] = {};
  const living = new Set(allGroups(naive.world));
  for (const group of naive.groups) {
    if (!living.has(group.real)) continue;
    for (const item of GROUP_COUNTERS) {
      groups[`${group.real.id} ${item}`] = byNode((page) => page.group === group && counted[item]!(page));
    }
  }
  let committed = 0;
  for (const file of naive.files) {
    if (file.kind === 'shmem') committed += file.real.reservesWhole ? file.real.sizePages : file.pages.size;
  }
  const processes: Counters['processes'] = {};
  for (const [name, process] of naive.living()) {
    const rss = [0, extra(naive, process), 0];
    for (const { kind } of process.pt.values()) rss[['anon', 'gmem', 'shmem'].indexOf(kind)]!++;
    processes[name] = { rss, pages: process.pt.size, vm: process.spots.size, tables: process.tables.size };
    for (const { area } of process.spots.values()) if (area.isAccounted) committed++;
  }
  return {
    processes,
    nodes: Object.fromEntries(
      NODE_COUNTERS.map((name) => [name, byNode(counted[names[name] ?? name.replace('nr_', '')]!)]),
    ),
    groups,
    guests: [...naive.vms].map((vm) => ({
      private: [...vm.slots.values()].reduce((sum, slot) => sum + slot.mapped.size, 0),
      shared: vm.tdp.size,
      tables: vm.tables?.size ?? null,
      attributes: vm.private.size,
    })),
    committed,
    frames: pages.length,
  };
}

/** Pages that are not where, what or whose the naive kernel says. */
function pageErrors(world: World, naive: NaiveKernel): string[] {
  const errors: string[] = [];
  const { kernel, kvm } = world;
  const check = (where: string, pfn: number, page: NaivePage): void => {
    if (pfn < 0) {
      errors.push(`${where} is missing`);
      return;
    }
    const { kind, memcg } = kernel.classes.get(kernel.frames.classOf(pfn));
    const got = [kind, kernel.nidOf(pfn), memcg.id, kernel.frames.mapCountOf(pfn)].join();
    const wanted = [page.kind, page.node, page.group.real.id, page.maps].join();
    if (got !== wanted) errors.push(`${where}: ${got} instead of ${wanted}`);
  };
  for (const file of naive.files) {
    const { cache, name } = file.real;
    if (cache.size !== file.pages.size)
      errors.push(`${name} has ${cache.size} pages instead of ${file.pages.size}`);
    for (const [index, page] of file.pages) check(`${name} ${index}`, cache.get(index), page);
  }
  for (const [name, process] of naive.living()) {
    const { pt } = kernel.processes.get(name)!.mm!;
    for (const [vpn, page] of process.pt) {
      check(`${name} ${vpn}`, pt.get(vpn), page);
      const { area, index } = process.spots.get(vpn)!;
      if (page.kind !== 'anon' && pt.get(vpn) !== area.file!.real.cache.get(index))
        errors.push(`${name} ${vpn} maps another frame than its file holds`);
    }
  }
  [...naive.vms].forEach((vm, i) => {
    const real = [...kvm.vms][i]!;
    for (const [gfn, page] of vm.tdp) check(`gfn ${gfn}`, real.tdp.get(gfn), page);
    for (const [id, slot] of vm.slots) {
      for (const index of slot.mapped) {
        if (!real.slots.get(id)!.mapped.has(index)) errors.push(`slot ${id} does not map ${index}`);
      }
    }
  });
  return errors.slice(0, 5);
}

/** An interleave counter that ran without a break gave each node its share. Requests go through in batches of 512 pages at least. */
function spreadErrors({ policy, nodes }: RotorStretch, naive: NaiveKernel): string[] {
  const round = roundOf(policy, naive.world.kernel.weights);
  const errors: string[] = [];
  for (const nid of [0, 1, 2, 3]) {
    const weight = round.filter((node) => node === nid).length;
    const got = nodes.filter((node) => node === nid).length;
    const share = (nodes.length * weight) / round.length;
    const slack = Math.max(1, weight) * (1 + Math.floor(nodes.length / 512));
    if (Math.abs(got - share) > (weight === 0 ? 0 : slack))
      errors.push(`${got} of ${nodes.length} pages on node ${nid}, ${share} expected`);
  }
  return errors;
}
