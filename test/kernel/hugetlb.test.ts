import { describe, expect, it } from 'vitest';
import type { VmaFacts } from '../../src/procfs/facts.ts';
import { fourNodes, GiB } from '../simulation/lab.ts';
import { play, type PlayConfig, type Played } from '../simulation/play.ts';

const POOL = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';
const nodePool = (nid: number): string =>
  `/sys/devices/system/node/node${nid}/hugepages/hugepages-2048kB/nr_hugepages`;

const run = (text: string, config: PlayConfig = {}): Played => play('page-cache', text, config);

/** Huge pages by node: all, free, surplus. */
const totals = (played: Played, label: string): number[] =>
  played.snapshot(label).facts.nodes.map((node) => node.hugepages.total);
const free = (played: Played, label: string): number[] =>
  played.snapshot(label).facts.nodes.map((node) => node.hugepages.free);
const surplus = (played: Played, label: string): number[] =>
  played.snapshot(label).facts.nodes.map((node) => node.hugepages.surplus);
const reserved = (played: Played, label: string): number =>
  played.snapshot(label).facts.system.hugepages.reserved;

/** The mappings of huge pages of a worker, ascending. */
const huge = (played: Played, label: string, worker = 'w0'): VmaFacts[] =>
  played.process(label, worker)!.vmas.filter((vma) => vma.hugetlb);

describe('the pool', () => {
  it('grows and shrinks around the nodes, and goes on where it was', () => {
    const played = run(`
      write ${POOL} 18
      snapshot grown
      write ${POOL} 23
      snapshot more
      write ${POOL} 19
      snapshot less
      write ${nodePool(2)} 20
      write ${nodePool(0)} 2
      snapshot single
      write /proc/sys/vm/nr_hugepages 64
      snapshot again`);
    expect(totals(played, 'grown')).toEqual([5, 5, 4, 4]);
    expect(totals(played, 'more')).toEqual([6, 6, 6, 5]);
    expect(totals(played, 'less')).toEqual([5, 5, 5, 4]);
    expect(totals(played, 'single')).toEqual([2, 5, 20, 4]);
    // A node that was written to is the next one.
    expect(totals(played, 'again')).toEqual([10, 13, 29, 12]);
  });

  it('takes its pages from the nodes and gives them back', () => {
    const played = run(`
      noop
      snapshot before
      write ${POOL} 8
      snapshot with
      write ${POOL} 0
      snapshot without`);
    const freePages = (label: string): number =>
      played.snapshot(label).truth.nodes.reduce((sum, node) => sum + node.freePages, 0);
    expect(freePages('before') - freePages('with')).toBe(8 * 512);
    expect(freePages('without')).toBe(freePages('before'));
    const hits = (label: string): number =>
      played.snapshot(label).facts.nodes.reduce((sum, node) => sum + node.numastat.numa_hit, 0);
    expect(hits('with') - hits('before')).toBe(8);
  });

  it('stops growing where memory ends', () => {
    const played = run(`
      write ${POOL} 100000
      snapshot full`);
    const all = totals(played, 'full').reduce((sum, n) => sum + n, 0);
    expect(all).toBeGreaterThan(300);
    expect(all).toBeLessThan(512);
    expect(played.findings).toEqual([]);
  });

  it('keeps what is in use or promised as surplus when it shrinks', () => {
    const played = run(`
      write ${POOL} 32
      memfd create h 32M hugetlb
      memfd map h shared
      touch h 0 20M write
      write ${POOL} 4
      snapshot shrunk
      memfd close h
      memfd unmap h
      snapshot empty`);
    expect(totals(played, 'shrunk').reduce((sum, n) => sum + n, 0)).toBe(16);
    expect(surplus(played, 'shrunk').reduce((sum, n) => sum + n, 0)).toBe(12);
    expect(reserved(played, 'shrunk')).toBe(6);
    expect(totals(played, 'empty').reduce((sum, n) => sum + n, 0)).toBe(4);
    expect(surplus(played, 'empty')).toEqual([0, 0, 0, 0]);
  });

  it('overcommits as far as it may', () => {
    const played = run(`
      write /proc/sys/vm/nr_overcommit_hugepages 6
      anon map a 8M hugetlb
      snapshot promised
      touch a 0 4M write
      anon map b 8M hugetlb
      anon map c 20M hugetlb noreserve
      touch c 0 4M write
      snapshot used
      anon unmap a
      snapshot returned
      anon unmap c
      snapshot end`);
    expect([totals(played, 'promised'), surplus(played, 'promised')]).toEqual([
      [4, 0, 0, 0],
      [4, 0, 0, 0],
    ]);
    expect(played.errno('anon map b 8M hugetlb')).toBe('ENOMEM');
    expect([totals(played, 'used')[0], free(played, 'used')[0]]).toEqual([6, 2]);
    expect([totals(played, 'returned')[0], free(played, 'returned')[0]]).toEqual([2, 0]);
    expect(totals(played, 'end')).toEqual([0, 0, 0, 0]);
  });
});

describe('promises', () => {
  it('are made by mmap, and only as far as the pool goes', () => {
    const played = run(`
      write ${POOL} 16
      memfd create h 16M hugetlb
      memfd map h shared
      snapshot mapped
      anon map a 18M hugetlb
      anon map b 18M hugetlb noreserve
      touch b 0 16M write
      snapshot noreserve
      touch h 0 6M write
      snapshot touched`);
    expect(reserved(played, 'mapped')).toBe(8);
    expect(free(played, 'mapped')).toEqual([4, 4, 4, 4]);
    expect(played.errno('anon map a 18M hugetlb')).toBe('ENOMEM');
    expect(played.errno('touch b 0 16M write')).toBe('0');
    expect(reserved(played, 'noreserve')).toBe(8);
    expect(reserved(played, 'touched')).toBe(5);
  });

  it('of a file stay with it when the mapping goes, and end with the file', () => {
    const played = run(`
      write ${POOL} 16
      memfd create h 16M hugetlb
      memfd map h shared
      touch h 0 4M write
      memfd unmap h
      snapshot unmapped
      memfd ftruncate h 8M
      snapshot truncated
      memfd close h
      snapshot closed`);
    expect(reserved(played, 'unmapped')).toBe(6);
    expect(reserved(played, 'truncated')).toBe(2);
    expect([reserved(played, 'closed'), free(played, 'closed')]).toEqual([0, [4, 4, 4, 4]]);
  });

  it('of a private mapping come back with what MADV_DONTNEED frees', () => {
    const played = run(`
      write ${POOL} 16
      anon map a 16M hugetlb
      touch a 0 16M write
      madvise a 0 7M dontneed
      snapshot discarded
      madvise a 4097 4K dontneed
      anon unmap a
      snapshot gone`);
    expect(reserved(played, 'discarded')).toBe(3);
    expect(played.errno('madvise a 4097 4K dontneed')).toBe('EINVAL');
    expect([reserved(played, 'gone'), free(played, 'gone')]).toEqual([0, [4, 4, 4, 4]]);
  });

  it('need free pages on the nodes that the thread is bound to', () => {
    const played = run(`
      write ${POOL} 8
      write ${nodePool(2)} 0
      mempolicy bind 2
      anon map a 2M hugetlb
      mempolicy preferred 2
      anon map b 4M hugetlb
      touch b 0 4M write
      snapshot end`);
    expect(played.errno('anon map a 2M hugetlb')).toBe('ENOMEM');
    expect(huge(played, 'end')[0]!.numa.nodes).toEqual([0, 0, 0, 2]);
  });

  it.each([
    ['6.12', -8],
    ['7.3', 0],
  ] as const)('on %s fall to %i when the owner of shared pages exits first', (kernel, low) => {
    const played = run(
      `
      write ${POOL} 40
      fork w1
      w1: anon map a 16M hugetlb
      w1: touch a 0 16M write
      w1: fork w2
      w1: exit
      snapshot orphaned
      w2: exit
      snapshot gone`,
      { kernel },
    );
    expect(reserved(played, 'orphaned')).toBe(low);
    expect(played.findings).toEqual(low < 0 ? ['huge-page-promises'] : []);
    expect([reserved(played, 'gone'), free(played, 'gone')]).toEqual([0, [10, 10, 10, 10]]);
  });
});

describe('what processes see', () => {
  const played = run(`
    cgroup create /g
    cgroup move w0 /g
    write ${POOL} 64
    snapshot before
    memfd create h 32M hugetlb
    memfd map h shared
    touch h 0 16M read
    anon map a 8M hugetlb
    touch a 0 2M read
    touch a 2M 6M write
    snapshot after
    fork w1
    w1: touch h 0 4M read
    snapshot forked`);

  it('huge pages count in no RSS, no memcg and no node counter', () => {
    const sums = (label: string): unknown => {
      const { currentBytes, stat } = played.cgroup(label, '/g');
      const counters = ['nr_file_pages', 'nr_mapped', 'nr_anon_pages', 'nr_unevictable'];
      const { file, anon, unevictable } = stat;
      const big = currentBytes > 4 * 2 ** 20;
      return [
        played.rss(label),
        big,
        file,
        anon,
        unevictable,
        counters.map((name) => played.counter(label, name)),
      ];
    };
    expect(sums('after')).toEqual(sums('before'));
  });

  it('status, smaps and numa_maps have lines of their own for them', () => {
    expect(played.process('after')!.hugetlbKb).toBe(24 * 1024);
    const [file, anon] = ['/memfd:h (deleted)', '/anon_hugepage (deleted)'].map((name) =>
      huge(played, 'after').find((vma) => vma.name === name)!,
    );
    expect(file!.numa).toMatchObject({ pages: 8, anon: 0, dirty: 8, nodes: [8, 0, 0, 0], mapMax: 1 });
    expect(file!.smaps).toMatchObject({ rss: 0, pss: 0, privateHugetlb: 16 * 2 ** 20, sharedHugetlb: 0 });
    // Memory that was only read is clean where it is private.
    expect(anon!.numa).toMatchObject({ pages: 4, anon: 4, dirty: 3 });
    expect([file!.kernelPageKb, file!.mmuPageKb, anon!.vmFlags]).toEqual([
      2048,
      2048,
      expect.arrayContaining(['de', 'ht']),
    ]);
  });

  it('forked processes share private pages at once, pages of files when they touch them', () => {
    const child = huge(played, 'forked', 'w1');
    expect(child.map((vma) => [vma.name, vma.numa.pages, vma.numa.mapMax])).toEqual(
      expect.arrayContaining([
        ['/memfd:h (deleted)', 2, 2],
        ['/anon_hugepage (deleted)', 4, 2],
      ]),
    );
    expect(
      huge(played, 'forked')[1]!.smaps.sharedHugetlb + huge(played, 'forked')[0]!.smaps.sharedHugetlb,
    ).toBe(12 * 2 ** 20);
  });

  it('a huge entry needs no table below it', () => {
    const tables = run(`
      write ${POOL} 64
      anon map a 64M hugetlb
      snapshot before
      touch a 0 64M write
      snapshot after`);
    const bytes = (label: string): number => tables.process(label)!.vmPteBytes;
    expect(bytes('after') - bytes('before')).toBeLessThanOrEqual(2 * 4096);
  });
});

describe('private copies', () => {
  it('leave the page of the file alone and use a promise', () => {
    const played = run(`
      write ${POOL} 40
      memfd create h 16M hugetlb
      memfd fallocate h 0 7M
      memfd map h private
      touch h 0 16M read
      snapshot read
      touch h 0 4M write
      snapshot written
      memfd punch h 0 2M
      snapshot punched`);
    const line = (label: string): unknown => {
      const { pages, anon, dirty } = huge(played, label)[0]!.numa;
      return { pages, anon, dirty, reserved: reserved(played, label) };
    };
    expect(line('read')).toEqual({ pages: 8, anon: 4, dirty: 4, reserved: 4 });
    expect(line('written')).toEqual({ pages: 8, anon: 6, dirty: 4, reserved: 2 });
    // A hole takes copies along, and their promises are back.
    expect(line('punched')).toEqual({ pages: 7, anon: 5, dirty: 3, reserved: 3 });
  });

  it('of a child can fail, those of the owner are taken from the child', () => {
    const played = run(`
      write ${POOL} 8
      anon map a 8M hugetlb
      touch a 0 8M write
      anon map b 4M hugetlb noreserve
      touch b 0 4M write
      fork w1
      w1: touch a 0 4M write
      w1: touch a 4M 2M write
      fork w2
      fork w3
      w2: touch a 0 4M write
      touch a 4M 4M write
      snapshot robbed
      w2: touch a 4M 2M read
      w3: touch a 0 2M read`);
    expect(played.errno('w1: touch a 0 4M write')).toBe('0');
    expect(played.errno('w1: touch a 4M 2M write')).toBe('ECONNRESET');
    expect(played.errno('touch a 4M 4M write')).toBe('0');
    const pages = (worker: string): number => huge(played, 'robbed', worker)[1]!.numa.pages;
    expect([pages('w0'), pages('w2'), pages('w3')]).toEqual([4, 2, 2]);
    expect(played.errno('w2: touch a 4M 2M read')).toBe('ECONNRESET');
    expect(played.errno('w3: touch a 0 2M read')).toBe('0');
  });
});

describe('calls on huge pages', () => {
  it('want borders of huge pages', () => {
    const played = run(`
      write ${POOL} 40
      memfd create odd 3M hugetlb
      memfd create h 16M hugetlb
      memfd map h shared
      memfd unmap h 0 4K
      mbind h 0 4K bind 1
      memfd ftruncate h 3M
      memfd write h 0
      anon map a 3M hugetlb
      anon unmap a 0 4M
      memfd stat h`);
    for (const text of [
      'memfd create odd 3M hugetlb',
      'memfd unmap h 0 4K',
      'mbind h 0 4K bind 1',
      'memfd ftruncate h 3M',
      'memfd write h 0',
    ]) {
      expect([text, played.errno(text)]).toEqual([text, 'EINVAL']);
    }
    // A length is rounded up.
    expect(played.errno('anon unmap a 0 4M')).toBe('0');
    expect(played.step('memfd stat h').message).toContain('st_blksize=2097152');
  });

  it('interleave by the index of the huge page, and obey mbind', () => {
    const played = run(`
      write ${POOL} 64
      memfd create h 32M hugetlb
      memfd map h shared
      mbind h 0 16M bind 2
      mbind h 16M 16M interleave 1,3
      touch h 16M 2M write
      touch h 20M 2M write
      touch h 0 4M write
      snapshot bound`);
    expect(huge(played, 'bound').map((vma) => vma.numa.nodes)).toEqual([
      [0, 0, 2, 0],
      [0, 2, 0, 0],
    ]);
  });

  it('allocate until the pool is empty', () => {
    const played = run(`
      write ${POOL} 4
      memfd create h 16M hugetlb
      memfd fallocate h 0 16M
      memfd stat h
      fork w1
      w1: anon map a 4M hugetlb noreserve
      w1: touch a 0 2M write`);
    expect(played.errno('memfd fallocate h 0 16M')).toBe('ENOSPC');
    expect(played.step('memfd stat h').message).toContain(`st_blocks=${(4 * 2 ** 21) / 512}`);
    expect(played.errno('w1: touch a 0 2M write')).toBe('ECONNRESET');
  });

  it('lock nothing but fault in', () => {
    const played = run(`
      write ${POOL} 40
      anon map a 16M hugetlb
      mlock a 2M 4M
      snapshot locked`);
    expect(played.process('locked')!.vmLckPages).toBe(0);
    expect(huge(played, 'locked')).toHaveLength(1);
    expect(huge(played, 'locked')[0]!.numa.pages).toBe(2);
  });

  it('end in SIGBUS beyond the end of the file', () => {
    const played = run(`
      write ${POOL} 40
      memfd create h 8M hugetlb
      memfd map h shared
      memfd ftruncate h 6M
      touch h 4M 2M read
      touch h 6M 2M read`);
    expect(played.errno('touch h 4M 2M read')).toBe('0');
    expect(played.errno('touch h 6M 2M read')).toBe('ECONNRESET');
  });
});

describe('moving huge pages', () => {
  it('swaps them with free ones of the target', () => {
    const played = run(`
      write ${POOL} 40
      anon map a 16M hugetlb
      touch a 0 16M write
      move_pages a 0 4M 2
      snapshot moved
      mbind a 8M 8M bind 3 move
      migratepages w0 0 1
      snapshot all
      where a 0 16M`);
    expect(played.step('move_pages a 0 4M 2').message).toBe('n=2 N2=2');
    expect([totals(played, 'moved'), free(played, 'moved')]).toEqual([
      [10, 10, 10, 10],
      [4, 10, 8, 10],
    ]);
    expect(free(played, 'all')).toEqual([10, 8, 8, 6]);
    expect(played.step('where a 0 16M').message).toBe('n=8 N1=2 N2=2 N3=4');
  });

  it('takes new ones where the target has none, and the pool stays as large', () => {
    const played = run(`
      write ${POOL} 40
      write ${nodePool(2)} 0
      anon map a 8M hugetlb
      touch a 0 8M write
      move_pages a 0 8M 2
      snapshot moved`);
    expect([totals(played, 'moved'), free(played, 'moved'), surplus(played, 'moved')]).toEqual([
      [6, 10, 4, 10],
      [6, 10, 0, 10],
      [0, 0, 0, 0],
    ]);
  });
});

describe('a guest whose memory is huge pages', () => {
  it('gets entries of 2 MiB, faults in whole pages, and loses them with a hole', () => {
    const played = run(`
      write ${POOL} 64
      memfd create ram 64M hugetlb
      memfd map ram shared
      vm create
      vm slot 0 0 64M ram 0
      snapshot before
      vm touch 0 4K
      snapshot one
      vm touch 0 64M
      snapshot all
      memfd punch ram 8M 4M
      snapshot punched`);
    const guest = (label: string): number => played.holding(label, 'ram')?.guestMappedPages ?? 0;
    expect([guest('one'), guest('all'), guest('punched')]).toEqual([512, 16_384, 15_360]);
    expect(played.pagesOf('one', 'ram')).toBe(512);
    // Two levels of tables, and none of them for entries of 4 KiB.
    const tables = (label: string): number => played.counter(label, 'nr_sec_page_table_pages');
    expect(tables('all') - tables('one')).toBe(0);
    expect(huge(played, 'punched')[0]!.numa.pages).toBe(30);
  });
});

describe('private pages', () => {
  it('stay marked as written in the pool, of which the last comes first', () => {
    const played = run(`
      write ${POOL} 12
      mempolicy bind 0
      anon map o 6M hugetlb
      touch o 0 2M write
      touch o 2M 4M read
      snapshot all
      madvise o 0 6M dontneed
      touch o 0 2M read
      snapshot last
      touch o 2M 4M read
      snapshot again
      madvise o 0 2M dontneed
      madvise o 4M 2M dontneed
      madvise o 2M 2M dontneed
      touch o 2M 2M read
      snapshot middle
      touch o 0 2M read
      touch o 4M 2M read
      migratepages w0 0 1
      madvise o 0 6M dontneed
      mempolicy bind 1
      touch o 0 6M read
      snapshot moved
      mempolicy bind 0
      anon map p 6M hugetlb
      touch p 0 6M read
      snapshot left`);
    const dirty = (label: string): number[] => huge(played, label).map(({ numa }) => numa.dirty);
    expect(['all', 'last', 'again', 'middle', 'moved'].map((label) => dirty(label)[0])).toEqual([
      1, 0, 1, 0, 1,
    ]);
    // The page that was moved away is still marked, too.
    expect(dirty('left')).toEqual([1, 1]);
  });

  it('leave no mark when the file that had them goes', () => {
    const played = run(`
      write ${POOL} 4
      mempolicy bind 0
      memfd create m 2M hugetlb
      memfd map m
      touch m 0 2M write
      memfd unmap m
      memfd close m
      anon map o 2M hugetlb
      touch o 0 2M read
      snapshot end`);
    expect(huge(played, 'end').map(({ numa }) => numa.dirty)).toEqual([0]);
  });
});

describe('huge pages that move', () => {
  it('go as a whole when a range cuts them, one after the other, each into what those before have left', () => {
    const played = run(
      `
      write ${POOL} 12
      anon map o 16M hugetlb
      touch o 0 16M write
      affinity 3
      snapshot touched
      mbind o 1913p 1874p default move strict
      snapshot moved`,
      { kernel: '6.18' },
    );
    expect(free(played, 'touched')).toEqual([0, 0, 1, 3]);
    expect(free(played, 'moved')).toEqual([0, 3, 1, 0]);
  });

  it('bring back at once the promise that their owner had left with them', () => {
    const played = run(
      `
      write ${POOL} 24
      anon map o 8M hugetlb
      touch o 0 8M write
      fork w1
      w0: exit
      snapshot left
      migratepages w1 0,1,2 3
      snapshot moved
      w1: exit
      snapshot freed`,
      { kernel: '6.18' },
    );
    expect(['left', 'moved', 'freed'].map((label) => reserved(played, label))).toEqual([-4, 0, 0]);
  });
});

describe('cost', () => {
  it('follows extents: 40 GiB are a handful of them', () => {
    const start = performance.now();
    const played = run(
      `
      write ${POOL} 24000
      memfd create h 40G hugetlb
      memfd map h shared
      touch h 0 40G write
      snapshot touched
      fork w1
      w1: touch h 0 40G read
      memfd punch h 0 20G
      snapshot end`,
      { machine: fourNodes(64 * GiB) },
    );
    expect(huge(played, 'touched')[0]!.numa.pages).toBe(20_480);
    expect(huge(played, 'end', 'w1')[0]!.numa.pages).toBe(10_240);
    // Page by page this would take minutes.
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
