import { describe, expect, it } from 'vitest';
import type { VmaFacts } from '../../src/procfs/facts.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import { play, type Played } from './play.ts';

// Rules that random scenarios on real kernels have shown.

const SHMEM_ALWAYS = 'write /sys/kernel/mm/transparent_hugepage/shmem_enabled always';
type Version = Scenario['kernel'];

const mappingOf = (run: Played, label: string, object: string): VmaFacts => {
  const found = run.process(label)!.vmas.find(({ name }) => name.startsWith(`/memfd:${object} `));
  if (!found) throw new Error(`${object} is not mapped in ${label}`);
  return found;
};

describe('huge pages of tmpfs', () => {
  it.each<[Version, number]>([
    ['6.12', 1],
    ['6.18', 0],
    ['7.3', 0],
  ])('are called possible in a mapping of 16 pages or not: %s', (kernel, eligible) => {
    const run = play(
      'page-cache',
      `
${SHMEM_ALWAYS}
memfd create small 16p
memfd map small
memfd create large 2M
memfd map large
memfd create single 1p
memfd map single
snapshot s
`,
      { kernel },
    );
    expect(mappingOf(run, 's', 'small').thpEligible).toBe(eligible);
    expect(mappingOf(run, 's', 'large').thpEligible).toBe(1);
    expect(mappingOf(run, 's', 'single').thpEligible).toBe(0);
  });

  it.each<[Version, number[]]>([
    ['6.12', [1, 0, 0, 1]],
    ['6.18', [0, 0, 0, 0]],
    ['7.3', [1, 1, 0, 1]],
  ])('are called possible in mappings of 477 pages and of one, by the mount: %s', (kernel, eligible) => {
    const run = play(
      'page-cache',
      `
mount tmpfs /t size=10%,huge=advise
mount tmpfs /u size=10%,huge=within_size
mount tmpfs /v size=10%,huge=always
file create o0 2M /t/o0
file map o0
madvise o0 0 477p hugepage
file create o1 477p /u/o1
file map o1
file create o2 1p /u/o2
file map o2
file create o3 477p /v/o3
file map o3
snapshot s
`,
      { kernel },
    );
    const found = ['/t/o0', '/u/o1', '/u/o2', '/v/o3'].map(
      (file) => run.process('s')!.vmas.find(({ name }) => name === file)!.thpEligible,
    );
    expect(found).toEqual(eligible);
  });

  it.each<[Version, number]>([
    ['6.12', 0],
    ['6.18', 512],
    ['7.3', 512],
  ])('are marked by the fault of an mlock or not: %s', (kernel, faulted) => {
    const run = play(
      'page-cache',
      `
${SHMEM_ALWAYS}
memfd create there 2M
memfd map there
touch there 0 4K write
mlock there 0 2M
snapshot there
munlock there 0 2M
memfd create new 2M
memfd map new
mlock new 0 2M
snapshot new
`,
      { kernel },
    );
    expect(run.counter('there', 'nr_mlock')).toBe(512);
    expect(run.counter('new', 'nr_mlock')).toBe(faulted);
    expect(run.counter('new', 'nr_shmem')).toBe(1024);
  });

  it('lose what lies beyond the end of their file when slab is dropped', () => {
    const run = play(
      'page-cache',
      `
${SHMEM_ALWAYS}
memfd create short 700p
memfd fallocate short 0 700p
memfd create whole 2M
memfd fallocate whole 0 2M
snapshot filled
dropcaches 1
snapshot cache
dropcaches 2
snapshot slab
`,
    );
    const shmem = ['filled', 'cache', 'slab'].map((label) => run.counter(label, 'nr_shmem'));
    expect(shmem).toEqual([1024 + 512, 1024 + 512, 700 + 512]);
  });
});

describe('a policy under a cpuset', () => {
  it('that prefers nodes outside gets pages inside, which count as missed', () => {
    const run = play(
      'page-cache',
      `
cgroup create /a
cgroup move w0 /a
mempolicy prefmany 0,3
cgroup limit /a cpuset.mems 1,3
memfd create m 4M
snapshot before
memfd fallocate m 0 4M
snapshot after
`,
    );
    const grown = (nid: number, name: 'numa_hit' | 'numa_miss' | 'numa_foreign'): number =>
      run.node('after', nid).numastat[name] - run.node('before', nid).numastat[name];
    expect(run.nodesOf('after', 'm')).toEqual([0, 0, 0, 1024]);
    expect(grown(0, 'numa_hit')).toBe(0);
    expect(grown(3, 'numa_miss')).toBeGreaterThanOrEqual(1024);
    expect(grown(0, 'numa_foreign')).toBe(grown(3, 'numa_miss'));
  });
});

describe('policies with flags', () => {
  it.each<Version>(['6.12', '6.18', '7.3'])(
    'keep what was asked for, and read it again for other nodes: %s',
    (kernel) => {
      const run = play(
        'page-cache',
        `
cgroup create /a
cgroup move w0 /a
cgroup limit /a cpuset.mems 0,2,3
anon map o 4M
mbind o 0p 80p preferred=relative 1
mbind o 80p 80p interleave=relative 1,2
mbind o 160p 80p bind=relative 9
mbind o 240p 80p bind=static 1,2
mbind o 320p 80p bind=static 1 = -EINVAL
mbind o 400p 80p prefmany=relative 3,4
mbind o 480p 80p winterleave=relative 0,1,5
mbind o 560p 80p preferred=static 2,3
snapshot three
cgroup limit /a cpuset.mems 1,2
snapshot two
cgroup limit /a cpuset.mems 0-3
snapshot four
`,
        { kernel },
      );
      const policies = (label: string): string[] => run.process(label)!.vmas.map(({ policy }) => policy);
      const [preferred, interleave, bind, fixed] = [
        'prefer=relative:2',
        'interleave=relative',
        'bind=relative',
        'bind=static',
      ];
      const [many, weighted, first] = [
        'prefer (many)=relative:0,2',
        'weighted interleave=relative',
        'prefer=static:2',
      ];
      const all = (nodes: [string, string, string, string]): string[] => [
        preferred!,
        `${interleave}:${nodes[0]}`,
        `${bind}:${nodes[1]}`,
        `${fixed}:${nodes[2]}`,
        'default',
        many!,
        `${weighted}:${nodes[3]}`,
        first!,
        'default',
      ];
      expect(policies('three')).toEqual(all(['2-3', '0', '2', '0,2-3']));
      expect(policies('two')).toEqual(all(['1-2', '2', '1-2', '1-2']));
      expect(policies('four')).toEqual(all(['1-2', '1', '1-2', '0-1']));
    },
  );
});

describe('mbind', () => {
  const strict = (words: string): string => {
    const step = `mbind m 0 16K ${words}`;
    const run = play('page-cache', `mempolicy bind 3\nanon map m 16K\ntouch m 0 16K write\n${step}`);
    return run.errno(step);
  };

  it('that is strict asks whether pages are on the given nodes, not on the one that is preferred', () => {
    expect(strict('preferred 0,3 strict')).toBe('0');
    expect(strict('preferred 0,2 strict')).toBe('EIO');
  });

  it('is never strict about the default policy', () => {
    expect(strict('default strict')).toBe('0');
    expect(strict('local strict')).toBe('EIO');
  });
});

describe('madvise(MADV_REMOVE)', () => {
  it('tells private mappings of files from anonymous memory', () => {
    const run = play(
      'page-cache',
      `
memfd create m 16K
memfd map m private
anon map a 16K
madvise m 0 16K remove
madvise a 0 16K remove
`,
    );
    expect(run.errno('madvise m 0 16K remove')).toBe('EACCES');
    expect(run.errno('madvise a 0 16K remove')).toBe('EINVAL');
  });
});

describe('a copy on write in a locked mapping', () => {
  it('takes the mark off the page that is left behind', () => {
    const run = play(
      'page-cache',
      `
memfd create m 16K
memfd map m private
touch m 0 16K read
mlock m 0 16K
snapshot locked
`,
    );
    expect(run.counter('locked', 'nr_anon_pages')).toBeGreaterThanOrEqual(4);
    expect(run.counter('locked', 'nr_mlock')).toBe(4);
  });
});

describe('pages that a guest writes to', () => {
  const dirtyOf = (kernel: Version): (number | undefined)[] => {
    const run = play(
      'page-cache',
      `
memfd create m 1M
memfd map m
touch m 0 512K read
vm create
vm slot 0 0 1M m 0
vm touch 0 1M
snapshot written
vm close
snapshot closed
`,
      { kernel },
    );
    return ['written', 'closed'].map((label) => mappingOf(run, label, 'm').numa?.dirty);
  };

  it('are dirty when the fault maps them, or on 6.12 where they were mapped before, when the entry goes', () => {
    expect(dirtyOf('6.12')).toEqual([128, 256]);
    expect(dirtyOf('6.18')).toEqual([256, 256]);
    expect(dirtyOf('7.3')).toEqual([256, 256]);
  });

  it('are dirty on 6.12 in the 2 MiB around the place where their mapping is cut, if it covers them', () => {
    const run = play(
      'page-cache',
      `
memfd create m 5M
memfd map m
touch m 0 5M read
vm create
vm slot 0 0 5M m 0
vm touch 0 5M
snapshot written
mlock m 3M 1M
snapshot cut
mlock m 4608K 1p
snapshot short
`,
      { kernel: '6.12' },
    );
    const dirty = ['written', 'cut', 'short'].map((label) =>
      run
        .process(label)!
        .vmas.filter(({ name }) => name.startsWith('/memfd:m '))
        .map(({ numa }) => numa?.dirty ?? 0),
    );
    expect(dirty).toEqual([[0], [256, 256, 0], [256, 256, 0, 0, 0]]);
  });
});

describe('mbind to the policy that a mapping has', () => {
  it('leaves that of the file as another mapping set it', () => {
    const run = play(
      'page-cache',
      `
memfd create m 8M
memfd map m shared
mbind m 0 8M bind 1
memfd unmap m
memfd map m shared
mbind m 0 8M default
touch m 0 4M write
snapshot kept
mbind m 0 8M bind 2
mbind m 0 8M default
touch m 4M 4M write
snapshot set
`,
    );
    const pagesOf = (label: string): number[] => mappingOf(run, label, 'm').numa.nodes;
    expect(pagesOf('kept')).toEqual([0, 1024, 0, 0]);
    expect(pagesOf('set')).toEqual([1024, 1024, 0, 0]);
  });

  it('cuts no huge page of hugetlb', () => {
    const run = play(
      'page-cache',
      `
write /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages 16
anon map h 10M hugetlb
mbind h 2209p 351p default strict
mbind h 2209p 351p bind 1 = -EINVAL
snapshot s
`,
    );
    expect(run.process('s')!.vmas.filter(({ name }) => name.includes('anon_hugepage'))).toHaveLength(1);
  });
});

describe('giving up huge memory', () => {
  const script = `
write /sys/kernel/mm/transparent_hugepage/enabled always
cgroup create /a
cgroup move w0 /a
anon map o 32M
touch o 0 32M write
madvise o 700p 5000p free
snapshot freed
touch o 1100p 10p write
snapshot written
madvise o 0 32M free
cgroup limit /a memory.reclaim 5M
snapshot reclaimed`;

  it.each<Version>(['6.12', '6.18', '7.3'])('splits the huge pages at both ends alone: %s', (kernel) => {
    const run = play('page-cache', script, { kernel });
    const kb = (label: string): Record<string, number> => {
      const { anonHuge, lazyFree, privateDirty, rss } = run.process(label)!.vmas[0]!.smaps;
      return {
        huge: anonHuge / 1024,
        lazy: lazyFree / 1024,
        dirty: privateDirty / 1024,
        rss: rss / 1024,
      };
    };
    expect(kb('freed')).toEqual({ huge: 28 * 1024, lazy: 20000, dirty: 12768, rss: 32768 });
    // One entry of a huge page has one dirty bit.
    expect(kb('written')).toEqual({ huge: 28 * 1024, lazy: 17952, dirty: 14816, rss: 32768 });
    // Reclaim frees a huge page as a whole: at most one more than it was asked for.
    const { huge, rss } = kb('reclaimed');
    expect(huge).toBe(24 * 1024);
    expect(32768 - rss!).toBeGreaterThanOrEqual(5 * 1024);
    expect(32768 - rss!).toBeLessThan(7 * 1024);
  });
});

describe('the block size of a file', () => {
  const blockSizes = (kernel: Version, setting: string): number[] => {
    const run = play(
      'page-cache',
      `
write /sys/kernel/mm/transparent_hugepage/shmem_enabled ${setting}
memfd create one 1p
memfd create some 3p
memfd create huge 2M
memfd stat one
memfd stat some
memfd stat huge
`,
      { kernel },
    );
    return ['one', 'some', 'huge'].map((name) =>
      Number(/st_blksize=(\d+)/.exec(run.step(`memfd stat ${name}`).message ?? '')![1]),
    );
  };
  const page = 4096;
  const huge = 2 ** 21;

  it.each<[string, Version, number[]]>([
    ['never', '7.3', [page, page, page]],
    ['deny', '7.3', [page, page, page]],
    ['advise', '7.3', [page, page, page]],
    ['always', '6.12', [huge, huge, huge]],
    ['force', '6.18', [huge, huge, huge]],
    ['within_size', '6.12', [page, page, huge]],
    ['within_size', '6.18', [page, huge, huge]],
    ['within_size', '7.3', [page, huge, huge]],
  ])('is that of a huge page where it could have one: %s on %s', (setting, kernel, expected) => {
    expect(blockSizes(kernel, setting)).toEqual(expected);
  });
});

describe('move_pages from inside a huge page of hugetlb', () => {
  it('takes the whole of it', () => {
    const run = play(
      'page-cache',
      `
write /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages 12
anon map o 10M hugetlb
affinity 2
touch o 0 6M write
move_pages o 1045p 1515p 1
where o 3p 600p
snapshot s
`,
      { kernel: '7.3' },
    );
    expect(run.step('move_pages o 1045p 1515p 1').message).toBe('n=2 N1=1 ENOENT=1');
    expect(run.step('where o 3p 600p').message).toBe('n=1 N2=1');
    expect(run.process('s')!.vmas[0]!.numa.nodes).toEqual([0, 1, 2, 0]);
  });
});

describe('huge pages up to a limit', () => {
  it('leave room for the page tables that come with them', () => {
    const run = play(
      'page-cache',
      `
write /sys/kernel/mm/transparent_hugepage/enabled always
cgroup create /a
cgroup limit /a memory.max 4M
cgroup move w0 /a
anon map o 16M
touch o 0p 1000p write
snapshot s
`,
      { kernel: '7.3' },
    );
    // Two would be all that the group may have.
    expect(run.cgroup('s', '/a').stat['thp_fault_alloc']).toBe(1);
  });
});

describe('a guest without memory where its code should be', () => {
  it('stops with an internal error, which no device can answer', () => {
    const run = play('page-cache', 'anon map o 2M\nvm create\nvm touch 16p 36p o\n', { kernel: '7.3' });
    const { errno, message } = run.step('vm touch 16p 36p o');
    expect([errno, message]).toEqual(['EPROTO', 'KVM_EXIT_INTERNAL_ERROR']);
  });
});

describe('migratepages of a VMM', () => {
  it('leaves the run area of each vCPU that has run, by the node of its thread, and says so', () => {
    const run = play(
      'page-cache',
      `
anon map o 4M
vm create
vm slot 0 0 4M o 0
vm vcpu 1 0 bind 3
vm vcpu 2 0 default
migratepages w0 0 1
vm touch 64p 36p o
vm touch 64p 36p o vcpu=1
migratepages w0 0,2,3 1
migratepages w0 3 2
vm close
migratepages w0 0,3 2
`,
      { kernel: '7.3' },
    );
    const returned = run.run.steps
      .filter(({ text }) => text.startsWith('migratepages'))
      .map(({ ret }) => ret);
    expect(returned).toEqual([0, 2, 1, 0]);
  });
});

describe('memory.high where nothing can be reclaimed', () => {
  it('counts each batch of a program that faults, and every second one of a call', () => {
    const run = play(
      'page-cache',
      `
cgroup create /a
cgroup limit /a memory.high 4M
cgroup move w0 /a
anon map o 8M
mlock o 0 8M
snapshot locked
memfd create m 6M
memfd map m
mlock m 0 3M
snapshot more
touch m 3M 3M write
snapshot touched
`,
      { kernel: '7.3' },
    );
    const events = ['locked', 'more', 'touched'].map((label) => run.cgroup(label, '/a').events['high']);
    // Of 17 attempts each: 16 batches above the limit in pairs, and what the tables took; 12 in pairs; 12 single ones.
    expect(events).toEqual([153, 255, 459]);
  });
});

describe('the second-level page table of a VM that outlives its address space', () => {
  it.each(['vm slot 0 0 4M o 0', 'noop'])('goes with the latter: %s', (slot) => {
    const run = play(
      'page-cache',
      `anon map o 4M\nvm create\n${slot}\nvm touch 0 4M o\nsnapshot run\nfork w1\nexit\nsnapshot ended\n`,
      { kernel: '7.3' },
    );
    const tables = ['run', 'ended'].map((label) => run.counter(label, 'nr_sec_page_table_pages'));
    expect(tables[0]).toBeGreaterThan(0);
    expect(tables[1]).toBe(0);
  });
});

describe('the high-water mark of RSS', () => {
  it('knows what a process had when its pages were moved, and nothing of a huge page whose mapping was cut', () => {
    const run = play(
      'page-cache',
      `
${SHMEM_ALWAYS}
memfd create o0 4M
memfd map o0 len=2M
touch o0 0 2M write
snapshot touched
memfd unmap o0 505p 7p
snapshot unmapped
memfd create o1 4M
memfd map o1 len=2M
touch o1 0 2M write
migratepages w0 0,1,2 3
memfd unmap o1 505p 7p
snapshot moved
`,
      { kernel: '6.18' },
    );
    const marks = ['touched', 'unmapped', 'moved'].map((label) => run.process(label)!.vmHwmPages);
    expect(marks).toEqual([512, 0, 512]);
  });
});

describe('the high-water mark of RSS, where huge pages are moved', () => {
  it('knows what a process had before', () => {
    const run = play(
      'page-cache',
      `
${SHMEM_ALWAYS}
memfd create o0 2M
memfd map o0
touch o0 0 2M write
move_pages o0 0 1p 1
mbind o0 1M 512K interleave 2,3
snapshot moved
`,
      { kernel: '6.18' },
    );
    const { vmHwmPages, rssShmemPages } = run.process('moved')!;
    expect([vmHwmPages, rssShmemPages]).toEqual([512, 0]);
  });
});

describe('pages of tmpfs that were only fallocated', () => {
  it('are passed over by fault-around until somebody asks for them', () => {
    const run = play(
      'page-cache',
      `
memfd create a 64p
memfd fallocate a 0 64p
memfd map a
memfd read a 20p
memfd write a 25p
touch a 22p 1p read
snapshot read
touch a 24p 1p write
touch a 21p 1p read
memfd punch a 0 64p
memfd fallocate a 0 64p
touch a 0 1p read
snapshot again
memfd create d 64p
memfd fallocate d 0 64p
memfd map d private
touch d 40p 4p write
madvise d 0 64p dontneed
touch d 35p 1p read
snapshot private
`,
      { kernel: '6.12' },
    );
    expect(run.process('read')!.rssShmemPages).toBe(2);
    expect(run.process('again')!.rssShmemPages).toBe(1);
    expect(mappingOf(run, 'private', 'd').numa).toMatchObject({ pages: 5 });
  });
});

describe('a large folio of tmpfs that no huge entry may map', () => {
  it.each<[Version, number[]]>([
    ['6.12', [512, 412, 413, 429]],
    ['6.18', [512, 412, 413, 512]],
    ['7.3', [512, 412, 413, 512]],
  ])('is mapped whole by the first fault, later by fault-around or not: %s', (kernel, pages) => {
    const run = play(
      'page-cache',
      `
${SHMEM_ALWAYS}
memfd create q 2M
memfd fallocate q 0 2M
memfd map q
madvise q 0 2M nohugepage
touch q 100p 1p read
snapshot first
madvise q 50p 100p dontneed
snapshot dropped
touch q 60p 1p write
snapshot written
touch q 80p 1p read
snapshot read
`,
      { kernel },
    );
    const found = ['first', 'dropped', 'written', 'read'].map((label) => run.process(label)!.rssShmemPages);
    expect(found).toEqual(pages);
  });
});

describe('mbind of a part of a shared mapping', () => {
  it('sets the policy of the file for all that the part is joined to', () => {
    const run = play(
      'page-cache',
      `
memfd create o0 4M
memfd map o0
mbind o0 0 1M bind 2
fork w1
w1: mbind o0 0 1M bind 3
snapshot two
w0: mbind o0 1M 1M bind 2
snapshot joined
`,
      { kernel: '6.12' },
    );
    expect(mappingOf(run, 'two', 'o0').policy).toEqual('bind:3');
    expect(mappingOf(run, 'joined', 'o0').policy).toEqual('bind:2');
  });
});
