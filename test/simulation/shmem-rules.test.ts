import { describe, expect, it } from 'vitest';
import type { VmaFacts } from '../../src/procfs/facts.ts';
import { MiB } from './lab.ts';
import { play, type Played, SMALL } from './play.ts';

/** The one mapping of a memfd, or else the part that starts at a page of it. */
const mappingOf = (run: Played, label: string, object: string, page = 0): VmaFacts => {
  const found = run
    .process(label)!
    .vmas.find(({ name, offset }) => name.startsWith(`/memfd:${object} `) && offset === page * 4096);
  if (!found) throw new Error(`page ${page} of ${object} starts no mapping in ${label}`);
  return found;
};

describe('pages of a memfd that were read', () => {
  it.each(['fallocate', 'write'])('become dirty by a %s, and only those of its range', (verb) => {
    const run = play(
      'page-cache',
      `
memfd create m 64p
memfd map m
touch m 0 32p read
snapshot read
memfd ${verb} m 16p 32p
touch m 0 64p read
snapshot changed
`,
    );
    const { dirty, pages } = mappingOf(run, 'read', 'm').numa;
    expect([dirty, pages]).toEqual([0, 32]);
    const after = mappingOf(run, 'changed', 'm');
    expect([after.numa.dirty, after.numa.pages]).toEqual([32, 64]);
    expect([after.smaps.privateDirty, after.smaps.privateClean]).toEqual([32 * 4096, 32 * 4096]);
  });

  it('are dirty as far as a fallocate came that fails', () => {
    const run = play(
      'page-cache',
      `
oomadj -1000
memfd create m 64M
memfd map m
touch m 0 16p read
touch m 8192p 16p read
cgroup create /a
cgroup move w0 /a
cgroup limit /a memory.max 4M
memfd fallocate m 0 64M
snapshot failed
`,
    );
    expect(run.errno('memfd fallocate m 0 64M')).toBe('ENOMEM');
    const { dirty, pages } = mappingOf(run, 'failed', 'm').numa;
    expect([dirty, pages]).toEqual([16, 32]);
  });
});

describe('madvise(MADV_MERGEABLE)', () => {
  const lines = (steps: string): string[] =>
    play('page-cache', `${steps}\nsnapshot s`)
      .process('s')!
      .vmas.filter(({ name }) => name === '' || name.startsWith('/memfd:m ') || name.startsWith('/dev/zero'))
      .map(({ start, end, vmFlags }) => `${(end - start) / 4096}${vmFlags.includes('mg') ? ' mg' : ''}`);

  it('cuts off and marks what KSM may merge, and is undone by its opposite', () => {
    const map = 'anon map a 64p\nmadvise a 16p 16p mergeable';
    expect(lines(map)).toEqual(['16', '16 mg', '32']);
    expect(lines(`${map}\nmadvise a 8p 16p mergeable`)).toEqual(['8', '24 mg', '32']);
    expect(lines(`${map}\nmadvise a 0 64p unmergeable`)).toEqual(['64']);
    expect(lines('memfd create m 64p\nmemfd map m private\nmadvise m 0 16p mergeable')).toEqual([
      '16 mg',
      '48',
    ]);
  });

  it('changes nothing of shared mappings, or where the flag is as asked for', () => {
    expect(lines('memfd create m 64p\nmemfd map m\nmadvise m 16p 16p mergeable')).toEqual(['64']);
    expect(lines('anon map a 64p shared\nmadvise a 16p 16p mergeable')).toEqual(['64']);
    expect(lines('anon map a 64p\nmadvise a 16p 16p unmergeable')).toEqual(['64']);
    const whole = 'anon map a 64p\nmadvise a 0 64p mergeable';
    expect(lines(`${whole}\nmadvise a 16p 16p mergeable`)).toEqual(['64 mg']);
  });
});

describe('madvise(MADV_HUGEPAGE)', () => {
  it('leaves a mapping whole that has the flag', () => {
    const run = play(
      'page-cache',
      'anon map a 64p\nmadvise a 0 64p hugepage\nmadvise a 16p 16p hugepage\nsnapshot s',
    );
    expect(run.process('s')!.vmas.filter(({ vmFlags }) => vmFlags.includes('hg'))).toHaveLength(1);
  });
});

describe('the zero page', () => {
  const where = (steps: string, thp = 'never', step = 'where a 0 1024p'): string =>
    play(
      'page-cache',
      `write /sys/kernel/mm/transparent_hugepage/enabled ${thp}\nanon map a 1024p\n${steps}\n${step}`,
    ).step(step).message;
  const move = 'move_pages a 0 1024p 1';

  it('has no node and can not be moved', () => {
    const steps = 'touch a 100p 50p read\ntouch a 140p 60p write';
    expect(where(steps)).toBe('n=1024 N0=60 ENOENT=924 EFAULT=40');
    expect(where(steps, 'never', move)).toBe('n=1024 N1=60 ENOENT=924 EFAULT=40');
  });

  it('is gone with what is discarded, and where a write has been', () => {
    const steps =
      'touch a 0 100p read\nmadvise a 10p 20p dontneed\ntouch a 30p 20p write\nmadvise a 40p 20p dontneed';
    expect(where(steps)).toBe('n=1024 N0=10 ENOENT=964 EFAULT=50');
  });

  it('counts page by page where the huge one was split', () => {
    const read = 'touch a 0 1p read';
    expect(where(read, 'always')).toBe('n=1024 ENOENT=512 EFAULT=512');
    expect(where(`${read}\nmadvise a 0 10p dontneed`, 'always')).toBe('n=1024 ENOENT=522 EFAULT=502');
    expect(where(`${read}\ntouch a 0 10p write`, 'always')).toBe('n=1024 N0=10 ENOENT=512 EFAULT=502');
  });

  it('is shared by a fork where the mapping has pages of its own', () => {
    const steps = 'touch a 0 10p read\ntouch a 20p 5p write\nfork w1';
    expect(where(steps, 'never', 'w1: where a 0 1024p')).toBe('n=1024 N0=5 ENOENT=1009 EFAULT=10');
    const alone = 'touch a 0 10p read\nfork w1';
    expect(where(alone, 'never', 'w1: where a 0 1024p')).toBe('n=1024 ENOENT=1024');
  });

  it('is in no sum of smaps and numa_maps', () => {
    const run = play('page-cache', 'anon map a 64p\ntouch a 0 64p read\ntouch a 0 8p write\nsnapshot s');
    const { numa, smaps } = run
      .process('s')!
      .vmas.find(({ name, start, end }) => name === '' && end - start === 64 * 4096)!;
    expect([numa.pages, smaps.rss, smaps.referenced]).toEqual([8, 8 * 4096, 8 * 4096]);
  });
});

describe('drop_caches', () => {
  it('takes tmpfs pages that are clean and that nobody maps', () => {
    const run = play(
      'page-cache',
      `
memfd create copied 1M
memfd map copied private
touch copied 0 64p write
memfd create kept 1M
memfd map kept
touch kept 0 64p read
memfd fallocate kept 512K 64p
gmem create g 1M
gmem fallocate g 0 1M
snapshot before
dropcaches
snapshot mapped
memfd unmap kept
dropcaches
snapshot unmapped
memfd stat copied
memfd stat kept
snapshot asked
`,
    );
    const held = (label: string): number[] => ['copied', 'kept', 'g'].map((name) => run.pagesOf(label, name));
    expect(['before', 'mapped', 'unmapped'].map(held)).toEqual([
      [64, 128, 256],
      [0, 128, 256],
      [0, 64, 256],
    ]);
    const shmem = ['before', 'mapped', 'unmapped'].map((label) => run.counter(label, 'nr_shmem'));
    expect(shmem).toEqual([192, 128, 64]);
    const committed = ['before', 'mapped', 'unmapped', 'asked'].map(
      (label) => run.snapshot(label).facts.system.meminfoPages['Committed_AS']!,
    );
    expect(committed.map((pages) => pages - committed[3]!)).toEqual([128, 128, 128, 0]);
  });

  it('takes interleaved pages, and huge ones only as a whole', () => {
    const run = play(
      'page-cache',
      `
mempolicy interleave 0-3
memfd create lanes 4M
memfd map lanes
touch lanes 0 4M read
memfd unmap lanes
write /sys/kernel/mm/transparent_hugepage/shmem_enabled always
memfd create huge 4M
memfd map huge
touch huge 0 4M read
memfd unmap huge 1p 1023p
touch huge 0 1p read
dropcaches
snapshot part
memfd unmap huge
dropcaches
snapshot whole
`,
    );
    expect(['lanes', 'huge'].map((name) => run.pagesOf('part', name))).toEqual([0, 512]);
    expect(run.pagesOf('whole', 'huge')).toBe(0);
  });
});

describe('madvise(MADV_PAGEOUT) without swap', () => {
  const pagesOf = (run: Played, label: string, object: string, worker = 'w0'): number =>
    run.process(label, worker)!.vmas.find(({ name }) => name.startsWith(`/memfd:${object} `))!.numa.pages;

  it('unmaps tmpfs pages that the caller alone maps: dirty ones stay in the cache, clean ones are freed', () => {
    const run = play(
      'page-cache',
      `
memfd create m 64p
memfd map m
touch m 0 16p write
touch m 16p 16p read
anon map a 64p
touch a 0 64p write
anon map s 64p shared
touch s 0 64p write
fork w1
w1: touch s 0 32p read
snapshot before
madvise m 0 64p pageout
madvise a 0 64p pageout
madvise s 0 64p pageout
snapshot after
`,
    );
    expect([pagesOf(run, 'before', 'm'), pagesOf(run, 'after', 'm')]).toEqual([32, 0]);
    expect(run.pagesOf('after', 'm')).toBe(16);
    expect(run.counter('before', 'nr_shmem') - run.counter('after', 'nr_shmem')).toBe(16);
    const kept = ['w0', 'w1'].map((worker) => run.process('after', worker)!.rssShmemPages);
    expect(kept).toEqual([32, 32]);
    expect(run.process('after')!.rssAnonPages).toBe(run.process('before')!.rssAnonPages);
  });

  it('takes what a guest maps out of its second-level page table', () => {
    const run = play(
      'page-cache',
      `
memfd create m 1M
memfd map m
touch m 0 1M read
vm create
vm slot 0 0 1M m 0
vm touch 0 1M
madvise m 0 512K pageout
snapshot out
vm touch 0 1M
snapshot back
`,
    );
    expect(['out', 'back'].map((label) => pagesOf(run, label, 'm'))).toEqual([128, 256]);
    // The guest wrote: nothing was clean.
    expect(run.pagesOf('out', 'm')).toBe(256);
  });

  it('splits huge pages: anonymous ones for nothing, those of tmpfs where only a part is meant', () => {
    const run = play(
      'page-cache',
      `
write /sys/kernel/mm/transparent_hugepage/enabled always
write /sys/kernel/mm/transparent_hugepage/shmem_enabled always
anon map a 4M
touch a 0 4M write
memfd create m 6M
memfd map m
touch m 0 6M write
madvise a 0 2M pageout
madvise m 0 3M pageout
snapshot s
`,
    );
    const { smaps } = run
      .process('s')!
      .vmas.find(({ name, start, end }) => name === '' && end - start === 2 ** 22)!;
    expect([smaps.rss, smaps.anonHuge]).toEqual([2 ** 22, 2 ** 21]);
    expect(pagesOf(run, 's', 'm')).toBe(512);
    expect([run.counter('s', 'nr_shmem'), run.counter('s', 'nr_shmem_hugepages')]).toEqual([1536, 1024]);
  });

  it('frees memory that was given up, and is no advice for locked memory', () => {
    const run = play(
      'page-cache',
      `
anon map a 64p
touch a 0 64p write
madvise a 0 32p free
madvise a 16p 32p pageout
anon map l 16p
mlock l 0 16p
madvise l 0 16p pageout
snapshot s
`,
    );
    expect(
      run.process('s')!.vmas.find(({ name, start, end }) => name === '' && end - start === 64 * 4096)!.numa
        .pages,
    ).toBe(48);
    expect(run.errno('madvise l 0 16p pageout')).toBe('EINVAL');
  });
});

describe('madvise(MADV_PAGEOUT) with swap', () => {
  it('leaves alone what others map, too', () => {
    const run = play(
      'page-cache',
      `
anon map a 64p
touch a 0 64p write
fork w1
w1: touch a 0 16p write
madvise a 0 64p pageout
snapshot s
`,
      { machine: { ...SMALL, swap: { bytes: 64 * MiB, isOn: true } } },
    );
    expect([run.process('s')!.vmSwapPages, run.process('s', 'w1')!.vmSwapPages]).toEqual([16, 0]);
  });
});

describe('madvise(MADV_FREE) of what a fork shares', () => {
  const run = play(
    'page-cache',
    `
anon map a 64p
touch a 0 64p write
fork w1
w1: madvise a 0 32p free
snapshot child
madvise a 16p 32p free
snapshot both
w1: touch a 0 8p write
snapshot written
kill w1
snapshot alone
`,
  );
  const sums = (label: string, worker: string): number[] => {
    const { numa, smaps } = run
      .process(label, worker)!
      .vmas.find(({ name, start, end }) => name === '' && end - start === 64 * 4096)!;
    const { lazyFree, sharedClean, sharedDirty, privateDirty } = smaps;
    return [numa.dirty, ...[lazyFree, sharedClean, sharedDirty, privateDirty].map((bytes) => bytes / 4096)];
  };

  it('cleans the entries of the caller only', () => {
    expect(sums('child', 'w1')).toEqual([32, 32, 32, 32, 0]);
    expect(sums('child', 'w0')).toEqual([64, 0, 0, 64, 0]);
    expect(sums('both', 'w1')).toEqual([32, 32, 32, 32, 0]);
    expect(sums('both', 'w0')).toEqual([32, 32, 32, 32, 0]);
  });

  it('is over where a write makes a copy, and leaves the other with what it had', () => {
    expect(sums('written', 'w1')).toEqual([40, 24, 24, 32, 8]);
    expect(sums('written', 'w0')).toEqual([32, 32, 32, 24, 8]);
    expect(sums('alone', 'w0')).toEqual([32, 32, 0, 0, 32]);
  });

  it('puts the folios on the list of old page cache', () => {
    const onList = (label: string): number => run.counter(label, 'nr_inactive_file');
    expect(onList('both') - onList('child')).toBe(16);
    expect(run.snapshot('alone').facts.system.vmEvents['pglazyfree']).toBe(48);
  });
});

describe('memory that the kernel looked up before a fork', () => {
  const run = play(
    'page-cache',
    `
anon map g 128p
vm create
vm slot 0 0 128p g 0
vm touch 16p 48p
touch g 64p 64p write
anon map p 32p
madvise p 0 32p populate_write
fork w1
snapshot forked
touch g 0 32p write
snapshot copied
vm touch 32p 16p
snapshot guest
w1: madvise g 0 128p free
snapshot freed
`,
  );
  const sizes = (label: string, worker: string, pages: number): Record<string, number> => {
    const { smaps } = run
      .process(label, worker)!
      .vmas.find(({ name, start, end }) => name === '' && end - start === pages * 4096)!;
    const { referenced, sharedDirty, privateDirty, lazyFree } = smaps;
    return Object.fromEntries(
      Object.entries({ referenced, sharedDirty, privateDirty, lazyFree }).map(([name, bytes]) => [
        name,
        bytes / 4096,
      ]),
    );
  };

  it('counts as referenced in the child, even where the parent has copies by now', () => {
    expect(sizes('forked', 'w1', 128)['referenced']).toBe(48);
    expect(sizes('forked', 'w1', 32)['referenced']).toBe(32);
    expect(sizes('copied', 'w1', 128)['referenced']).toBe(48);
    expect(sizes('forked', 'w0', 128)['referenced']).toBe(112);
  });

  it('is copied when the guest writes again', () => {
    expect(sizes('copied', 'w0', 128)).toMatchObject({ sharedDirty: 96, privateDirty: 32 });
    expect(sizes('guest', 'w0', 128)).toMatchObject({ sharedDirty: 80, privateDirty: 48 });
  });

  it('is not given up while others map what the guest wrote', () => {
    // 16 pages are left of those that both map and the guest wrote; 64 that it did not write, 32 are the child's alone.
    expect(sizes('freed', 'w1', 128)).toMatchObject({ sharedDirty: 16, lazyFree: 96 });
    expect(sizes('freed', 'w1', 128)['referenced']).toBe(16);
  });
});

describe('memory that was moved before a fork', () => {
  it('is dirty by itself, so that the child can not give it up', () => {
    const run = play(
      'page-cache',
      'anon map a 64p\ntouch a 0 64p write\nmove_pages a 0 32p 1\nfork w1\nw1: madvise a 0 64p free\nsnapshot s',
    );
    const { numa, smaps } = run
      .process('s', 'w1')!
      .vmas.find(({ name, start, end }) => name === '' && end - start === 64 * 4096)!;
    expect([numa.dirty, smaps.lazyFree / 4096]).toEqual([32, 32]);
  });
});
