import { describe, expect, it } from 'vitest';
import type { Machine } from '../../src/scenario/types.ts';
import { MiB } from '../simulation/lab.ts';
import { play, type Played, SMALL } from '../simulation/play.ts';

/** Huge pages for everything, and a khugepaged that sleeps. */
const HUGE: Machine = { ...SMALL, thp: { enabled: 'always', shmem: 'always', defrag: 'madvise' } };
const run = (steps: string, kernel: '6.12' | '7.3' = '6.12'): Played =>
  play('page-cache', steps, { machine: HUGE, kernel });

/** MiB of anonymous memory in huge entries, and kB of RSS of w0. */
const anonHuge = (played: Played, label: string): number =>
  (played.counter(label, 'nr_anon_transparent_hugepages') * 4096) / MiB;
const rssKb = (played: Played, label: string): number => played.rss(label)! * 4;
const used = (played: Played, label: string): number =>
  played
    .snapshot(label)
    .facts.nodes.reduce(
      (sum, node) => sum + node.totalPages - node.zones.reduce((free, zone) => free + zone.freePages, 0),
      0,
    );
const tableKb = (played: Played, label: string): number => played.process(label)!.vmPteBytes / 1024;

describe('huge pages of anonymous memory', () => {
  it('answer the first touch of an aligned block, and set a page table aside', () => {
    const played = run(`
      anon map a 8M
      snapshot none
      touch a 3M 4K write
      snapshot one
      touch a 0 8M write
      snapshot all`);
    expect(rssKb(played, 'one') - rssKb(played, 'none')).toBe(2048);
    expect(anonHuge(played, 'one')).toBe(2);
    expect(anonHuge(played, 'all')).toBe(8);
    // Four tables and the two levels above them.
    expect(tableKb(played, 'all') - tableKb(played, 'none')).toBe(24);
    expect(played.snapshot('all').facts.system.vmEvents['thp_fault_alloc']).toBe(4);
  });

  it('leave the ends of a mapping that fill no block to base pages', () => {
    const played = run(`
      anon map a 3M
      touch a 0 3M write
      snapshot s`);
    expect(anonHuge(played, 's')).toBe(2);
    const { smaps, thpEligible } = played
      .process('s')!
      .vmas.find(({ name, hasFile }) => !hasFile && name === '')!;
    expect([smaps.rss, smaps.anonHuge, thpEligible]).toEqual([3 * MiB, 2 * MiB, 1]);
  });

  it('stay whole in memory while one page of them is mapped', () => {
    const played = run(`
      anon map a 4M
      touch a 0 4M write
      snapshot full
      madvise a 4K 2044K dontneed
      snapshot hole
      madvise a 0 4K dontneed
      snapshot empty`);
    expect(anonHuge(played, 'hole')).toBe(2);
    expect(rssKb(played, 'full') - rssKb(played, 'hole')).toBe(2044);
    // The folio waits for its last page: nothing came back yet.
    expect(used(played, 'full') - used(played, 'hole')).toBe(0);
    expect(used(played, 'full') - used(played, 'empty')).toBe(512);
  });

  it('are shared by fork and copied in base pages (6.12)', () => {
    const played = run(`
      anon map a 4M
      touch a 0 4M write
      fork w1
      snapshot forked
      w1: touch a 0 64K write
      snapshot copied
      w1: exit
      snapshot alone`);
    const of = (label: string, worker: string) =>
      played.process(label, worker)!.vmas.find(({ name, hasFile }) => !hasFile && name === '')!.smaps;
    expect(of('forked', 'w1').anonHuge).toBe(4 * MiB);
    expect(of('forked', 'w1').referenced).toBe(0);
    expect(of('copied', 'w1')).toMatchObject({ anonHuge: 2 * MiB, rss: 4 * MiB, privateDirty: 64 * 1024 });
    expect(of('copied', 'w0')).toMatchObject({ anonHuge: 4 * MiB, rss: 4 * MiB, privateDirty: 64 * 1024 });
    expect(of('alone', 'w0')).toMatchObject({ anonHuge: 4 * MiB, privateDirty: 4 * MiB });
  });

  it('that a fork has shared are used again when the child is gone', () => {
    const played = run(`
      anon map a 4M
      touch a 0 4M write
      fork w1
      w1: exit
      mempolicy bind 3
      touch a 0 64K write
      snapshot s`);
    expect(anonHuge(played, 's')).toBe(4);
    expect(played.node('s', 3).counters['nr_anon_pages']).toBe(0);
  });

  it.each([
    ['6.12', 16],
    ['7.3', 0],
  ] as const)('of which parts were copied: %s', (kernel, copies) => {
    const played = run(
      `
      anon map a 4M
      touch a 0 4M write
      fork w1
      touch a 1M 4K write
      w1: exit
      mempolicy bind 3
      touch a 0 64K write
      snapshot s`,
      kernel,
    );
    // The entry was split while the child was there; now nobody else has the pages, but they are parts of a huge folio.
    expect(anonHuge(played, 's')).toBe(2);
    expect(played.node('s', 3).counters['nr_anon_pages']).toBe(copies);
  });

  it.each([
    ['6.12', 0],
    ['7.3', 2],
  ] as const)('the zero page is replaced on a write: %s', (kernel, huge) => {
    const played = run(
      `
      anon map a 4M
      touch a 0 4M read
      snapshot read
      touch a 0 4K write
      snapshot written`,
      kernel,
    );
    expect(anonHuge(played, 'read')).toBe(0);
    expect(anonHuge(played, 'written')).toBe(huge);
    expect(tableKb(played, 'read')).toBe(tableKb(played, 'written'));
  });

  it('interleave block by block', () => {
    const played = run(`
      mempolicy interleave 0,2,3
      anon map a 14M
      touch a 0 14M write
      snapshot s`);
    const nodes = played
      .snapshot('s')
      .facts.nodes.map(({ counters }) => counters['nr_anon_transparent_hugepages']!);
    expect(nodes.map((pages) => pages / 512).sort((a, b) => a - b)).toEqual([0, 2, 2, 3]);
  });

  it('give way to base pages where the node or the limit has no room for them', () => {
    const played = run(`
      cgroup create /small
      cgroup limit /small memory.max 5M
      cgroup move w0 /small
      anon map a 16M
      touch a 0 4608K write
      snapshot s`);
    expect(anonHuge(played, 's')).toBe(4);
    expect(played.cgroup('s', '/small').stat).toMatchObject({ anon: 4608 * 1024, anon_thp: 4 * MiB });
  });

  it('are not for a mapping that declined them', () => {
    const played = run(`
      anon map a 4M
      madvise a 0 4M nohugepage
      touch a 0 4M write
      snapshot s`);
    expect(anonHuge(played, 's')).toBe(0);
  });

  it('move as a whole, and what looks at each page finds the second one busy', () => {
    const played = run(`
      anon map a 4M
      touch a 0 4M write
      move_pages a 0 2M 1
      mbind a 2M 4K bind 2 move
      snapshot s`);
    expect(played.step('move_pages a 0 2M 1').message).toContain('N1=511 EBUSY=1');
    const counters = played.snapshot('s').facts.nodes.map((node) => node.counters['nr_anon_pages']! % 1024);
    expect([counters[1], counters[2]]).toEqual([512, 512]);
    // The border of the policy has split one entry, not the folio.
    expect(anonHuge(played, 's')).toBe(2);
  });

  it('leave no trace behind', () => {
    const played = run(`
      anon map a 8M
      touch a 0 8M write
      memfd create m 6M
      memfd map m shared
      touch m 0 6M write
      fork w1
      w1: touch a 1M 3M write
      memfd punch m 1M 4K
      madvise a 0 3M dontneed
      w1: exit
      anon unmap a
      memfd unmap m
      memfd close m
      snapshot end`);
    for (const name of [
      'nr_anon_transparent_hugepages',
      'nr_shmem_hugepages',
      'nr_shmem_pmdmapped',
      'nr_shmem',
    ]) {
      expect(played.counter('end', name), name).toBe(0);
    }
    expect(played.findings).toEqual([]);
  });
});

describe('huge pages of memfds', () => {
  it('are filled and mapped by blocks, past what was asked for', () => {
    const played = run(`
      memfd create m 16M
      memfd fallocate m 0 3M
      snapshot allocated
      memfd map m shared
      touch m 0 4K read
      snapshot read`);
    expect(played.counter('allocated', 'nr_shmem')).toBe(1024);
    expect(played.counter('read', 'nr_shmem_pmdmapped')).toBe(512);
    expect(rssKb(played, 'read') - rssKb(played, 'allocated')).toBe(2048);
  });

  it('are split by a hole, which unmaps all of the block', () => {
    const played = run(`
      memfd create m 8M
      memfd map m shared
      touch m 0 8M write
      snapshot full
      memfd punch m 0 4K
      memfd punch m 4M 2M
      snapshot holes`);
    expect(played.counter('holes', 'nr_shmem_hugepages')).toBe(1024);
    expect(played.counter('full', 'nr_shmem') - played.counter('holes', 'nr_shmem')).toBe(513);
    expect(rssKb(played, 'full') - rssKb(played, 'holes')).toBe(4096);
  });

  it('within_size: only blocks that the file covers', () => {
    const played = run(`
      write /sys/kernel/mm/transparent_hugepage/shmem_enabled within_size
      memfd create m 3M
      memfd fallocate m 0 3M
      snapshot s`);
    expect(played.counter('s', 'nr_shmem_hugepages')).toBe(512);
    expect(played.counter('s', 'nr_shmem')).toBe(768);
  });

  it('follow the mount that the file lies on', () => {
    const played = run(`
      write /sys/kernel/mm/transparent_hugepage/shmem_enabled never
      mount tmpfs /mnt/huge huge=always
      mount tmpfs /mnt/plain
      file create h 4M /mnt/huge/h
      file create p 4M /mnt/plain/p
      file fallocate h 0 4M
      file fallocate p 0 4M
      snapshot s
      file close h
      snapshot closed`);
    expect(played.counter('s', 'nr_shmem_hugepages')).toBe(1024);
    // A file stays when nobody has it open.
    expect(played.counter('closed', 'nr_shmem')).toBe(2048);
  });
});

describe('second-level entries of 2 MiB', () => {
  const secKb = (played: Played, label: string): number =>
    played.counter(label, 'nr_sec_page_table_pages') * 4;

  it('need no table of the lowest level', () => {
    const played = run(`
      vm create
      memfd create ram 64M
      memfd map ram shared
      vm slot 0 0 64M ram 0
      vm touch 16M 32M
      snapshot huge`);
    expect(secKb(played, 'huge')).toBe(8);
  });

  it('need a slot whose addresses are aligned like its memory, and blocks that it holds whole', () => {
    const played = run(`
      vm create
      memfd create ram 16M
      memfd map ram shared
      vm slot 0 1M 15M ram 0
      vm touch 1M 15M
      snapshot skewed
      memfd create more 16M
      memfd map more shared
      vm slot 1 65M 14M more 1M
      vm touch 65M 14M
      snapshot cut`);
    // Eight blocks that a table each must map.
    expect(secKb(played, 'skewed')).toBe(8 + 8 * 4);
    // Of 65M to 79M the first and the last MiB belong to no whole block.
    expect(secKb(played, 'cut')).toBe(8 + 8 * 4 + 2 * 4);
  });

  it('need a block without private frames, and come back in the place of a table', () => {
    const played = run(`
      vm create swprot
      gmem create g 8M
      memfd create ram 8M
      memfd map ram shared
      vm slot 0 0 8M ram 0 g 0
      vm touch 0 8M
      snapshot shared
      vm attr 2M 4K private
      vm touch 2M 2M
      snapshot mixed
      vm attr 2M 4K shared
      vm touch 2M 4K
      snapshot again`);
    expect(secKb(played, 'shared')).toBe(8);
    expect(secKb(played, 'mixed')).toBe(12);
    expect(secKb(played, 'again')).toBe(8);
  });

  it('go as a whole when a part of the memory behind them goes', () => {
    const played = run(`
      vm create
      anon map ram 8M
      vm slot 0 0 8M ram 0
      vm touch 0 8M
      madvise ram 0 4K dontneed
      snapshot hole
      vm touch 0 2M
      snapshot again`);
    expect(secKb(played, 'hole')).toBe(8);
    // The host maps the block by base pages now, and so does the guest's table.
    expect(secKb(played, 'again')).toBe(12);
    expect(played.findings).toEqual([]);
  });
});
