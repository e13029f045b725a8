import { describe, expect, it } from 'vitest';
import type { VmaFacts } from '../../src/procfs/facts.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import { play, type Played } from './play.ts';

// What mlock(2) does to mappings and pages. Each was seen on the kernels named.

type Version = Scenario['kernel'];
const ALL: Version[] = ['6.12', '6.18', '7.3'];

const vmas = (run: Played, label = 's'): readonly VmaFacts[] => run.process(label)!.vmas;
const sizes = (run: Played): number[] => vmas(run).map(({ start, end }) => (end - start) / 4096);
const ran = (script: string, kernel: Version): Played =>
  play('page-cache', `${script}\nsnapshot s\n`, { kernel });

describe('mlock of what is locked, and munlock of what is not', () => {
  it.each(ALL)('cut nothing: %s', (kernel) => {
    const script = `
memfd create m 2M
memfd map m
mlock m 0p 512p
mlock m 9p 38p
anon map a 1M
munlock a 6p 250p`;
    const run = ran(script, kernel);
    expect(sizes(run)).toEqual([512, 256]);
    expect(run.counter('s', 'nr_mlock')).toBe(512);
  });

  it.each(ALL)('count once against the limit: %s', (kernel) => {
    const run = ran(
      `
anon map a 4M
rlimit memlock 1M
dropcap
mlock a 0 1M
mlock a 0 1M
mlock a 512K 1M`,
      kernel,
    );
    const [first, again, beyond] = run.run.steps.filter(({ text }) => text.startsWith('mlock'));
    expect([first!.errno, again!.errno, beyond!.errno]).toEqual(['', '', 'ENOMEM']);
  });
});

describe('mlock across a hole', () => {
  it.each(ALL)('locks what lies before it and faults nothing in: %s', (kernel) => {
    const script = `
anon map o 4M
touch o 0 64p write
mremap o 2M
mlock o 1M 3M`;
    const run = ran(script, kernel);
    expect(run.step('mlock o 1M 3M').errno).toBe('ENOMEM');
    expect(
      vmas(run).map(({ start, end, vmFlags }) => [(end - start) / 4096, vmFlags.includes('lo')]),
    ).toEqual([
      [256, false],
      [256, true],
    ]);
    expect(run.counter('s', 'nr_mlock')).toBe(0);
  });
});

describe('huge pages that are locked', () => {
  const script = `
write /sys/kernel/mm/transparent_hugepage/enabled always
write /sys/kernel/mm/transparent_hugepage/shmem_enabled force
anon map a 8M
touch a 0 8M write
mlock a 0 4M
memfd create f 8M
memfd map f
touch f 0 8M write
mlock f 0 4M
snapshot before
move_pages a 0 4M 1
move_pages f 0 4M 1`;

  it.each<[Version, number]>([
    ['6.12', 0],
    ['6.18', 2048],
    ['7.3', 2048],
  ])('are locked where they moved to, from 6.18 on: %s', (kernel, locked) => {
    const run = ran(script, kernel);
    expect(run.counter('before', 'nr_mlock')).toBe(2048);
    expect(run.counter('s', 'nr_mlock')).toBe(locked);
    expect(run.node('s', 1).counters['nr_unevictable']).toBe(locked);
  });
});

describe('pages that mlock faulted in, in a child', () => {
  it('count as referenced where single entries map them', () => {
    const run = ran(
      `
write /sys/kernel/mm/transparent_hugepage/enabled always
anon map o 64M
mlock o 0p 1474p
fork w1`,
      '6.12',
    );
    // Two huge pages, and 450 single ones.
    const child = run.process('s', 'w1')!.vmas;
    expect(child.map(({ smaps }) => smaps.referenced / 4096)).toEqual([450, 0]);
  });
});
