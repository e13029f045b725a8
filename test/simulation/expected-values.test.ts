import { beforeAll, describe, expect, it } from 'vitest';
import { renderNumaMapsLine } from '../../src/procfs/numa-maps.ts';
import type { ProcessFacts, VmaFacts } from '../../src/procfs/facts.ts';
import { PRESETS } from './lab.ts';
import { play, type Played, TALK } from './play.ts';

/** 40 GiB of private memory, all allocated and mapped into the guest by a vCPU thread under interleave 2,3. */
const SCRIPT = `
cgroup create /vm
cgroup move w0 /vm
anon map own 84M
touch own 0 84M write
mempolicy interleave 2,3
vm create snp
memfd create ram 40G
memfd map ram shared
gmem create priv 40G
snapshot base
vm slot 0 0 40G ram 0 priv 0
vm attr 0 40G private
vm vcpu 0 2 interleave 2,3
vm touch 0 40G vcpu=0
snapshot full
`;

const G = 10_485_760;
const GiB40 = 42_949_672_960;

/** Strategies under which the process shows its private memory in RSS. */
const IN_RSS = ['shadow-vma', 'tdp-fault', 'alloc-charge'];
/** Those under which smaps and numa_maps do, too. */
const IN_VMAS = ['shadow-vma'];

let played: Map<string, Played>;

beforeAll(() => {
  played = new Map(PRESETS.map((name) => [name, play(name, SCRIPT, { machine: TALK })]));
});

const growth = (run: Played, field: keyof ProcessFacts): number =>
  Number(run.process('full')![field]) - Number(run.process('base')![field]);

const sum = (counts: readonly number[]): number => counts.reduce((total, n) => total + n, 0);

describe.each(PRESETS)('at 40 GiB, under %s,', (strategy) => {
  const inRss = IN_RSS.includes(strategy) ? G : 0;
  const inVmas = IN_VMAS.includes(strategy) ? G : 0;
  let run: Played;
  beforeAll(() => {
    run = played.get(strategy)!;
  });

  it('the process', () => {
    expect({
      VmSize: growth(run, 'vmSizePages'),
      RssFile: growth(run, 'rssFilePages'),
      RssAnon: growth(run, 'rssAnonPages'),
      RssShmem: growth(run, 'rssShmemPages'),
      VmLck: growth(run, 'vmLckPages'),
      VmPTE: growth(run, 'vmPteBytes') / 1024,
    }).toEqual({
      VmSize: inVmas,
      RssFile: inRss,
      RssAnon: 0,
      RssShmem: 0,
      VmLck: 0,
      // 20480 tables of pages, 40 above; 1 more where the address is in a part of its own.
      VmPTE: inVmas > 0 ? expect.closeTo(82_084, -1) : 0,
    });
  });

  it('the sum of smaps against VmRSS', () => {
    const process = run.process('full')!;
    const walked = sum(process.vmas.map(({ smaps }) => smaps.rss)) / 4096;
    const counted = process.rssAnonPages + process.rssFilePages + process.rssShmemPages;
    expect(counted - walked).toBe(inRss - inVmas);
  });

  it('OOM badness', () => {
    const tables = growth(run, 'vmPteBytes') / 4096;
    expect(growth(run, 'oomBadnessPages')).toBe(inRss + tables);
    expect([run.process('base')!.oomScore, run.process('full')!.oomScore]).toEqual([
      666,
      inRss > 0 ? 770 : 666,
    ]);
  });

  it('the nodes', () => {
    for (const nid of [2, 3]) {
      const grown = (name: string): number =>
        run.node('full', nid).counters[name]! - run.node('base', nid).counters[name]!;
      // The counter serves page tables and slabs, too: a few pages to either side.
      expect(grown('nr_file_pages')).toBeCloseTo(G / 2, -1);
      expect(grown('nr_unevictable')).toBe(grown('nr_file_pages'));
      expect(grown('nr_shmem')).toBe(0);
      expect(grown('nr_mapped')).toBe(inVmas > 0 ? grown('nr_file_pages') : 0);
      const { numa_hit, interleave_hit } = run.node('full', nid).numastat;
      expect(interleave_hit).toBeGreaterThan(G / 2);
      expect(numa_hit).toBeGreaterThanOrEqual(interleave_hit);
    }
    const total = (name: string): number => run.counter('full', name) - run.counter('base', name);
    expect([total('nr_file_pages'), total('nr_unevictable'), total('nr_mlock')]).toEqual([G, G, 0]);
    // 20480 + 40 + 1 tables; the root is in no statistic.
    expect(total('nr_sec_page_table_pages')).toBe(20_521);
    expect(total('nr_page_table_pages')).toBe(growth(run, 'vmPteBytes') / 4096);
    const committed = ['base', 'full'].map(
      (at) => run.snapshot(at).facts.system.meminfoPages['Committed_AS'],
    );
    expect(committed[1]).toBe(committed[0]);
  });

  it('the cgroup', () => {
    const { stat, numaStat } = run.cgroup('full', '/vm');
    const base = run.cgroup('base', '/vm').stat;
    expect({
      file: stat['file'],
      unevictable: stat['unevictable'],
      shmem: stat['shmem'],
      file_mapped: stat['file_mapped'],
      anon: stat['anon']! - base['anon']!,
      active_anon: stat['active_anon']! - base['active_anon']!,
      inactive_file: stat['inactive_file'],
      // The trees of the page cache and of the attributes: 166441 nodes each.
      slab_reclaimable: stat['slab_reclaimable'],
      sec_pagetables: stat['sec_pagetables'],
      pagetables: stat['pagetables']! - base['pagetables']!,
    }).toEqual({
      file: GiB40,
      unevictable: GiB40,
      shmem: 0,
      file_mapped: inVmas * 4096,
      anon: 0,
      active_anon: 0,
      inactive_file: 0,
      slab_reclaimable: 98_533_072 * 2,
      sec_pagetables: 84_054_016,
      pagetables: growth(run, 'vmPteBytes'),
    });
    for (const item of ['file', 'unevictable']) {
      const [a, b, c, d] = numaStat[item]!;
      expect([a, b, c! + d!]).toEqual([0, 0, GiB40]);
      expect(Math.abs(c! - d!) / 4096).toBeLessThan(20);
    }
  });

  it('the truth', () => {
    const { nodePages, guestMappedPages, user, chargedPages, allocatedPages } = run.holding('full', 'priv')!;
    expect({ pages: sum(nodePages), guestMappedPages, user, chargedPages, allocatedPages }).toEqual({
      pages: G,
      guestMappedPages: G,
      user: 'w0',
      chargedPages: { '/vm': G },
      allocatedPages: { w0: G },
    });
  });
});

describe('the entry of a shadow VMA', () => {
  const entry = (kernel: '6.12' | '7.3', steps = SCRIPT, options = ''): VmaFacts => {
    const run = play(`shadow-vma${options}`, steps, { machine: TALK, kernel });
    return run.process('full')!.vmas.find(({ name }) => name.includes('kvm-gmem'))!;
  };

  it('in numa_maps: pages by node, clean on 6.12, dirty by guest faults later', () => {
    const nodes = ({ numa }: VmaFacts): string => `N2=${numa.nodes[2]} N3=${numa.nodes[3]}`;
    const old = entry('6.12');
    expect(renderNumaMapsLine(old).replace(/^\S+ /, '').trim()).toBe(
      `interleave:2-3 file=anon_inode:[kvm-gmem] mapped=10485760 ${nodes(old)} kernelpagesize_kB=4`,
    );
    const recent = entry('7.3');
    expect(renderNumaMapsLine(recent).replace(/^\S+ /, '').trim()).toBe(
      `interleave:2-3 file=/[kvm-gmem]\\040(deleted) dirty=10485760 ${nodes(recent)} kernelpagesize_kB=4`,
    );
  });

  it('in smaps: all of it, private, clean or dirty', () => {
    const bytes = G * 4096;
    const { smaps, perms, start, end, vmFlags } = entry('6.12');
    expect([end - start, perms]).toEqual([bytes, '---s']);
    expect(smaps).toMatchObject({
      rss: bytes,
      pss: bytes * 4096,
      privateClean: bytes,
      privateDirty: 0,
      pssDirty: 0,
      sharedClean: 0,
      sharedDirty: 0,
      anonymous: 0,
      swap: 0,
      locked: 0,
    });
    expect(vmFlags).toEqual(expect.arrayContaining(['sh', 'dc', 'de', 'dd']));
    expect(entry('7.3').smaps).toMatchObject({
      rss: bytes,
      privateClean: 0,
      privateDirty: bytes,
      pssDirty: bytes * 4096,
    });
    // What was allocated and never touched stays clean there, too.
    const prefetched = SCRIPT.replace('vm touch 0 40G vcpu=0', 'gmem fallocate priv 0 40G');
    expect(entry('7.3', prefetched).smaps).toMatchObject({
      rss: bytes,
      privateClean: bytes,
      privateDirty: 0,
    });
  });
});
