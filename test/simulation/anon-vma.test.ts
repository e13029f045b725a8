import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/scenario/types.ts';
import { play } from './play.ts';

// Which VMAs are joined again and which a fork copies, by the anon_vma that they have. Each was seen on the kernels named.

type Version = Scenario['kernel'];
const ALL: Version[] = ['6.12', '6.18', '7.3'];

/** Sizes in pages of the mappings that steps made, by address. */
const sizes = (script: string, kernel: Version, worker?: string): number[] => {
  const { vmas } = play('page-cache', `${script}\nsnapshot s\n`, { kernel }).process('s', worker)!;
  return vmas.map(({ start, end }) => (end - start) / 4096);
};

const halves = (touched: number, changed: number): string => `
anon map o 4M
mbind o 0p 512p local
touch o ${touched * 512}p 512p write
mbind o ${changed * 512}p 512p ${changed ? 'local' : 'default'}`;

describe('parts of a mapping that are alike again', () => {
  it.each(ALL)('are one where the changed part has no anonymous pages: %s', (kernel) => {
    expect(sizes(halves(1, 0), kernel)).toEqual([1024]);
  });

  it.each<[Version, number[]]>([
    ['6.12', [512, 512]],
    ['6.18', [1024]],
    ['7.3', [1024]],
  ])('where only the changed part has some, on %s: %j', (kernel, expected) => {
    expect(sizes(halves(1, 1), kernel)).toEqual(expected);
  });

  it.each(ALL)(
    'stay apart where each got its own, with what lies between joined to the left: %s',
    (kernel) => {
      const script = `
anon map o 6M
mbind o 512p 512p local
touch o 0p 512p write
touch o 1024p 512p write
mbind o 512p 512p default`;
      expect(sizes(script, kernel)).toEqual([1024, 512]);
    },
  );

  it.each(ALL)('are three that become one where only the first has pages: %s', (kernel) => {
    const script = `
anon map o 6M
mbind o 512p 512p local
touch o 0p 512p write
mbind o 512p 512p default`;
    expect(sizes(script, kernel)).toEqual([1536]);
  });

  it.each(ALL)('stay apart in a child that has a copy of each: %s', (kernel) => {
    const split = `
anon map o 4M
touch o 0p 1p write
mbind o 0p 512p local`;
    const join = 'mbind o 0p 512p default';
    expect(sizes(`${split}\n${join}`, kernel)).toEqual([1024]);
    expect(sizes(`${split}\nfork w1\nw1: ${join}`, kernel, 'w1')).toEqual([512, 512]);
  });
});

describe('a fork copies the entries of', () => {
  const rss = (script: string, kernel: Version): number =>
    play('page-cache', `${script}\nfork w1\nsnapshot s\n`, { kernel })
      .process('s', 'w1')!
      .vmas.reduce((sum, { smaps }) => sum + smaps.rss / 4096, 0);

  it.each(ALL)('a private file mapping that has had a page of its own, page cache and all: %s', (kernel) => {
    const mapped = `
memfd create m 1M
memfd map m private
touch m 0p 256p read`;
    const emptied = `
touch m 0p 1p write
madvise m 0p 1p dontneed
touch m 0p 1p read`;
    expect(rss(mapped, kernel)).toBe(0);
    expect(rss(mapped + emptied, kernel)).toBe(256);
  });
});

describe('mlock', () => {
  it.each(ALL)('faults in again what has been punched out of locked memory: %s', (kernel) => {
    const script = `
memfd create m 1M
memfd map m
mlock m 0 1M
memfd punch m 0 256K
snapshot punched
mlock m 0 1M
snapshot again`;
    const run = play('page-cache', script, { kernel });
    const rss = (label: string): number => run.process(label)!.vmas[0]!.smaps.rss / 4096;
    expect([rss('punched'), rss('again')]).toEqual([192, 256]);
  });
});
