import { describe, expect, it } from 'vitest';
import type { SmapsFacts } from '../../src/procfs/facts.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import { fourNodes } from '../simulation/lab.ts';
import { play, type Played } from '../simulation/play.ts';

// Each of these was seen on the kernels named.

type Version = Scenario['kernel'];
const ALL: Version[] = ['6.12', '6.18', '7.3'];

const run = (script: string, kernel: Version = '6.12'): Played =>
  play('page-cache', `${script}\nsnapshot end\n`, { kernel });
const answers = (played: Played, words: string): (string | number)[] =>
  played.run.steps.filter(({ text }) => text.includes(words)).map(({ ret, errno }) => errno || ret);
const smaps = (played: Played, at = 0, worker?: string): SmapsFacts =>
  played.process('end', worker)!.vmas[at]!.smaps;
const events = (played: Played, name: string): number =>
  played.snapshot('end').facts.system.vmEvents[name] ?? 0;
const MIB = 2 ** 20;

describe('MADV_COLLAPSE of anonymous memory', () => {
  it.each(ALL)('makes huge pages of whole blocks alone: %s', (kernel) => {
    const played = run('anon map o 16M\ntouch o 0 16M write\nmadvise o 0p 1600p collapse', kernel);
    expect(answers(played, 'collapse')).toEqual([0]);
    expect(smaps(played).anonHuge).toBe(6 * MIB);
    expect(events(played, 'thp_collapse_alloc')).toBe(3);
  });

  it.each<[Version, (string | number)[]]>([
    ['6.12', ['EINVAL', 0]],
    ['6.18', ['EINVAL', 0]],
    ['7.3', [0, 0]],
  ])('of less than a block, on %s: %j', (kernel, expected) => {
    const script = 'anon map o 4M\ntouch o 0 4M write\nmadvise o 10p 500p collapse\nmadvise o 0p 1p collapse';
    expect(answers(run(script, kernel), 'collapse')).toEqual(expected);
  });

  it('is refused where there has been no page, and where huge pages were declined', () => {
    const script = 'anon map o 4M\nmadvise o 0 4M collapse\ntouch o 0 4M read\nmadvise o 0 4M collapse';
    expect(answers(run(script), 'collapse')).toEqual(['EINVAL', 'EINVAL']);
    const declined = 'anon map o 4M\ntouch o 0 4M write\nmadvise o 0 4M nohugepage\nmadvise o 0 4M collapse';
    expect(answers(run(declined), 'collapse')).toEqual(['EINVAL']);
  });

  it.each<[Version, number]>([
    ['6.12', 4],
    ['6.18', 6],
    ['7.3', 6],
  ])('fills holes, goes past blocks without a table, and on %s makes %i MiB huge', (kernel, mib) => {
    // One page written; zero pages alone; some pages written; nothing.
    const script =
      'anon map h 8M\ntouch h 0p 1p write\ntouch h 512p 512p read\ntouch h 1024p 300p write\nmadvise h 0 8M collapse';
    const played = run(script, kernel);
    expect(answers(played, 'collapse')).toEqual(['EINVAL']);
    expect(smaps(played)).toMatchObject({ anonHuge: mib * MIB, rss: mib * MIB, privateDirty: mib * MIB });
  });

  it('goes to the node with the most of the pages, and is paid by the group of the process', () => {
    const script = `
cgroup create /a
cgroup create /b
cgroup move w0 /a
anon map o 2M
mempolicy bind 2
touch o 0p 300p write
mempolicy default
touch o 300p 212p write
cgroup move w0 /b
madvise o 0 2M collapse`;
    const played = run(script);
    expect(played.nodesOf('end', 'anonymous memory')).toEqual([0, 0, 512, 0]);
    const anon = (path: string): number =>
      played.snapshot('end').facts.cgroups.find((group) => group.path === path)!.stat['anon']!;
    expect([anon('/a'), anon('/b')]).toEqual([0, 2 * MIB]);
  });

  it('copies what a child maps, too, from 6.18 on also where nobody has written since', () => {
    const script = 'anon map o 2M\ntouch o 0 2M write\nfork w1\nmadvise o 0 2M collapse';
    expect(answers(run(script, '6.12'), 'collapse')).toEqual(['EINVAL']);
    const played = run(script, '6.18');
    expect(answers(played, 'collapse')).toEqual([0]);
    expect(smaps(played)).toMatchObject({ anonHuge: 2 * MIB, privateDirty: 2 * MIB });
    expect(smaps(played, 0, 'w1')).toMatchObject({ anonHuge: 0, privateDirty: 2 * MIB });
  });

  it('stops where the limit of the group leaves no room for a huge page', () => {
    const script = `
cgroup create /a
cgroup move w0 /a
anon map o 4M
touch o 0 2M write
touch o 2M 4K write
cgroup limit /a memory.max 3M
madvise o 0 4M collapse`;
    const played = run(script);
    expect(answers(played, 'collapse')).toEqual(['EBUSY']);
    expect(smaps(played).anonHuge).toBe(0);
  });
});

describe('MADV_COLLAPSE of tmpfs', () => {
  it.each(ALL)('fills holes, and stops at a block that holds nothing: %s', (kernel) => {
    const script =
      'memfd create m 8M\nmemfd map m\ntouch m 0 1M write\ntouch m 4M 2M write\nmadvise m 0 8M collapse';
    const played = run(script, kernel);
    expect(answers(played, 'collapse')).toEqual(['EINVAL']);
    expect(smaps(played)).toMatchObject({ rss: 4 * MIB, shmemPmd: 2 * MIB });
    // The folio for the empty block was there by then.
    expect(events(played, 'thp_collapse_alloc')).toBe(2);
  });

  it.each(ALL)('unmaps it from everybody, and maps it for the caller at once: %s', (kernel) => {
    const script = `
memfd create q 4M
memfd fallocate q 0 4M
memfd map q
touch q 0 4M write
fork w1
w1: touch q 0 4M read
madvise q 0 2M collapse`;
    const played = run(script, kernel);
    expect(answers(played, 'collapse')).toEqual([0]);
    expect(smaps(played)).toMatchObject({ rss: 4 * MIB, shmemPmd: 2 * MIB });
    expect(smaps(played, 0, 'w1')).toMatchObject({ rss: 2 * MIB, shmemPmd: 0 });
  });

  it.each(ALL)('collapses below a private copy, and fails to map it: %s', (kernel) => {
    const script =
      'memfd create p 4M\nmemfd map p private\ntouch p 0 4M read\ntouch p 0p 1p write\nmadvise p 0 4M collapse';
    const played = run(script, kernel);
    expect(answers(played, 'collapse')).toEqual(['EINVAL']);
    expect(smaps(played).rss).toBe(2 * MIB + 4096);
  });
});

describe('khugepaged', () => {
  const pass = (script: string, kernel: Version = '6.12'): string[] =>
    run(script, kernel)
      .run.steps.filter(({ text }) => text.endsWith('khugepaged'))
      .map(({ message }) => message);
  const ALWAYS = 'write /sys/kernel/mm/transparent_hugepage/enabled always\n';

  it('does what the settings allow', () => {
    const script = `anon map o 8M\ntouch o 0 8M write\nkhugepaged\n${ALWAYS}khugepaged\nkhugepaged`;
    expect(pass(script).map((words) => words.replace(/vmas=\d+ passed=\d+ /, ''))).toEqual([
      'collapsed=0',
      'collapsed=4',
      'collapsed=0',
    ]);
  });

  it('leaves what is mostly shared, and what nobody uses', () => {
    const touched = `anon map o 2M\ntouch o 0 2M write\n${ALWAYS}fork w1\n`;
    expect(pass(`${touched}khugepaged\ntouch o 0p 300p write\nkhugepaged`)[0]).toMatch(/collapsed=0$/);
    expect(pass(`${touched}touch o 0p 300p write\nkhugepaged`)[0]).toMatch(/collapsed=1$/);
    expect(pass(`${touched}w1: khugepaged`, '6.18')[0]).toMatch(/collapsed=0$/);
  });

  it('leaves page cache for faults to map', () => {
    const script = `
write /sys/kernel/mm/transparent_hugepage/shmem_enabled always
memfd create m 2M
memfd map m
madvise m 0 2M nohugepage
touch m 0 2M write
madvise m 0 2M hugepage
khugepaged
snapshot collapsed
touch m 0 4K read`;
    const played = run(script);
    expect(played.process('collapsed')!.vmas[0]!.smaps.rss).toBe(0);
    expect(smaps(played).shmemPmd).toBe(2 * MIB);
  });
});

describe('MADV_COLLAPSE of swapped memory', () => {
  const machine = { ...fourNodes(256 * MIB), swap: { bytes: 64 * MIB, isOn: true } };
  const swapped = (kernel: Version, steps: string): Played =>
    play(
      'page-cache',
      `cgroup create /a\ncgroup move w0 /a\n${steps}\nmadvise o 0 2M collapse\nsnapshot end\n`,
      { kernel, machine },
    );
  const anon = 'anon map o 2M\ntouch o 0 2M write';
  const shared = 'memfd create o 2M\nmemfd map o\ntouch o 0 2M write';

  it.each<[Version, string]>([
    ['6.12', 'EINVAL'],
    ['6.18', 'EAGAIN'],
    ['7.3', 'EAGAIN'],
  ])('does not wait for anonymous pages that must be read: %s', (kernel, errno) => {
    const played = swapped(kernel, `${anon}\ncgroup limit /a memory.reclaim 2M`);
    expect(answers(played, 'collapse')).toEqual([errno]);
    expect(smaps(played).swap).toBe(2 * MIB);
    expect(played.counter('end', 'nr_anon_transparent_hugepages')).toBe(0);
  });

  it('takes anonymous pages that are in the swap cache still', () => {
    const played = swapped('6.18', `${anon}\nmadvise o 0 2M pageout`);
    expect(answers(played, 'collapse')).toEqual([0]);
    expect(smaps(played)).toMatchObject({ anonHuge: 2 * MIB, swap: 0 });
  });

  it.each(ALL)('reads pages of a file: %s', (kernel) => {
    const played = swapped(kernel, `${shared}\ncgroup limit /a memory.reclaim 2M`);
    expect(answers(played, 'collapse')).toEqual([0]);
    expect(played.cgroup('end', '/a').swapCurrentBytes).toBe(0);
  });

  it('kills where the pages of a file have no room on their way', () => {
    const limited = 'cgroup limit /a memory.reclaim 2M\ncgroup limit /a memory.max 3M';
    const played = swapped('6.18', `${shared}\n${limited}`);
    expect(played.step('madvise o 0 2M collapse').errno).toBe('ECONNRESET');
    expect(events(played, 'oom_kill')).toBe(1);
    expect(played.process('end')).toBeUndefined();
    expect(played.counter('end', 'nr_shmem_hugepages')).toBe(0);
  });
});

describe('a huge page above a limit', () => {
  const inGroup = (kernel: Version, advice: string): Played =>
    play(
      'page-cache',
      `
write /sys/kernel/mm/transparent_hugepage/enabled madvise
cgroup create /a
cgroup limit /a memory.max 8M
cgroup move w0 /a
anon map a 7M
touch a 0 7M write
anon map h 8M
${advice}
touch h 0 10p write
snapshot end
`,
      { kernel },
    );

  it.each<[Version, string, number]>([
    ['6.12', 'madvise h 0 8M hugepage', 18],
    ['7.3', 'madvise h 0 8M hugepage', 18],
    ['6.12', 'madvise h 0 8M nohugepage', 0],
  ])('is asked for as often as reclaim is tried, on %s after %s: %i', (kernel, advice, attempts) => {
    const played = inGroup(kernel, advice);
    expect(played.cgroup('end', '/a').events['max']).toBe(attempts);
    const refused = attempts > 0 ? 1 : 0;
    expect(events(played, 'thp_fault_fallback')).toBe(refused);
    expect(events(played, 'thp_fault_fallback_charge')).toBe(refused);
    expect(played.process('end')!.vmas.at(0)!.smaps.rss).toBe(10 * 4096);
  });

  it('comes where reclaim makes room', () => {
    const played = play(
      'page-cache',
      `
write /sys/kernel/mm/transparent_hugepage/enabled madvise
cgroup create /a
cgroup limit /a memory.max 8M
cgroup move w0 /a
anon map a 7M
touch a 0 7M write
anon map h 8M
madvise h 0 8M hugepage
touch h 0 10p write
snapshot end
`,
      { kernel: '6.18', machine: { ...fourNodes(256 * MIB), swap: { bytes: 64 * MIB, isOn: true } } },
    );
    expect(played.process('end')!.vmas.at(0)!.smaps.anonHuge).toBe(2 * MIB);
    expect(played.cgroup('end', '/a').swapCurrentBytes).toBeGreaterThanOrEqual(MIB);
  });
});
