import { describe, expect, it } from 'vitest';
import type { VmaFacts } from '../../src/procfs/facts.ts';
import { MiB } from './lab.ts';
import { play, type Played } from './play.ts';

const PAGES = MiB / 4096;

const script = (steps: string): string => `
vm create snp
memfd create ram 8M
memfd map ram shared
gmem create g 8M
snapshot base
vm slot 0 0 8M ram 0 g 0
vm attr 0 8M private
${steps}
snapshot full
`;
const TOUCH = 'vm touch 0 8M';

const gmemVmas = (run: Played, worker = 'w0'): VmaFacts[] =>
  run.process('full', worker)!.vmas.filter(({ name }) => name.includes('kvm-gmem'));
const grown = (run: Played, field: 'vmSizePages' | 'rssFilePages' | 'vmPteBytes'): number =>
  run.process('full')![field] - run.process('base')![field];

describe('shadow VMAs', () => {
  it('listed=false: in RSS and VmSize, but in no list of VMAs', () => {
    const run = play('shadow-vma{listed=false}', script(TOUCH));
    expect([grown(run, 'rssFilePages'), grown(run, 'vmSizePages'), gmemVmas(run).length]).toEqual([
      2048, 2048, 0,
    ]);
  });

  it('vsz=false: listed, in RSS, not in VmSize', () => {
    const run = play('shadow-vma{vsz=false}', script(`${TOUCH}\ntouch ram 0 4K write`));
    expect([grown(run, 'rssFilePages'), grown(run, 'vmSizePages'), gmemVmas(run).length]).toEqual([
      2048, 0, 1,
    ]);
    expect(run.findings).toContain('rss-exceeds-vm-size');
  });

  it('ptes=tdp: counted while the guest maps a page', () => {
    const rss = (steps: string): number => grown(play('shadow-vma{ptes=tdp}', script(steps)), 'rssFilePages');
    expect([
      rss('gmem fallocate g 0 8M'),
      rss(`gmem fallocate g 0 8M\nvm touch 0 2M`),
      rss(`${TOUCH}\nvm attr 0 2M shared`),
      rss(`${TOUCH}\nvm unslot 0`),
    ]).toEqual([0, 512, 1536, 0]);
  });

  it('ptes=never: a VMA without a page in it', () => {
    const run = play('shadow-vma{ptes=never}', script(TOUCH));
    const [vma] = gmemVmas(run);
    expect([grown(run, 'rssFilePages'), grown(run, 'vmSizePages'), grown(run, 'vmPteBytes')]).toEqual([
      0, 2048, 0,
    ]);
    expect(vma!.numa.pages).toBe(0);
  });

  it('takes pages that are there when the slot is set', () => {
    const early = script('').replace('snapshot base', 'gmem fallocate g 0 4M\nsnapshot base');
    expect(grown(play('shadow-vma', early), 'rssFilePages')).toBe(1024);
    expect(grown(play('shadow-vma{ptes=tdp}', early), 'rssFilePages')).toBe(0);
  });

  it('per=range: a VMA for each private range, split and gone with conversions', () => {
    const ranges = (steps: string): number[][] =>
      gmemVmas(play('shadow-vma{per=range}', script(`${TOUCH}\n${steps}`))).map(
        ({ offset, start, end, smaps }) => [offset / MiB, (end - start) / MiB, smaps.rss / MiB],
      );
    expect(ranges('')).toEqual([[0, 8, 8]]);
    expect(ranges('vm attr 2M 4M shared').sort(([a], [b]) => a! - b!)).toEqual([
      [0, 2, 2],
      [6, 2, 2],
    ]);
    expect(ranges('vm attr 2M 4M shared\nvm attr 3M 1M private').sort(([a], [b]) => a! - b!)).toEqual([
      [0, 2, 2],
      [3, 1, 1],
      [6, 2, 2],
    ]);
    expect(ranges('vm attr 0 8M shared')).toEqual([]);
  });

  it('goes with the file, not with the slot or the VM', () => {
    const left = (steps: string): number => gmemVmas(play('shadow-vma', script(`${TOUCH}\n${steps}`))).length;
    expect([left('vm unslot 0'), left('vm close'), left('gmem close g')]).toEqual([1, 1, 0]);
  });

  it('counts against RLIMIT_AS: what worked without it now fails, and nothing is counted', () => {
    const limited = script(`${TOUCH}`).replace('vm create snp', 'rlimit as 12M\nvm create snp');
    const shadow = play('shadow-vma', limited);
    expect([grown(shadow, 'rssFilePages'), grown(shadow, 'vmSizePages')]).toEqual([0, 0]);
    expect(shadow.run.counts['shadow VMA failed with ENOMEM']).toBe(1);
    // The guest runs all the same.
    expect([shadow.errno(TOUCH), shadow.pagesOf('full', 'g')]).toEqual(['0', 2048]);
    expect(grown(play('shadow-vma{vsz=false}', limited), 'rssFilePages')).toBe(2048);
    expect(play('page-cache', limited).errno(TOUCH)).toBe('0');
  });

  const double = (strategy: string, steps: string): number => {
    const run = play(strategy, script(steps));
    return gmemVmas(run).reduce((sum, { smaps }) => sum + smaps.rss / MiB, 0);
  };

  it('stand once for memory whose slot was set anew', () => {
    expect(double('shadow-vma', `${TOUCH}\nvm unslot 0\nvm slot 0 0 8M ram 0 g 0`)).toBe(8);
  });

  it('per=range: stand once for what was private before a conversion', () => {
    expect(double('shadow-vma{per=range}', `${TOUCH}\nvm attr 2M 4M shared\nvm attr 0 8M private`)).toBe(8);
  });

  it('per=range: stand for what was private before the slot was set', () => {
    const early = script(TOUCH)
      .replace('vm attr 0 8M private', '')
      .replace('vm slot', 'vm attr 0 8M private\nvm slot');
    expect(grown(play('shadow-vma{per=range}', early), 'rssFilePages')).toBe(2048);
  });

  it('is not copied by fork: the child has neither the size nor the pages', () => {
    const run = play('shadow-vma', script(`${TOUCH}\nfork child`));
    expect(gmemVmas(run, 'child')).toEqual([]);
    expect([run.process('full', 'child')!.vmSizePages, run.rss('full', 'child')]).toEqual([2048, 0]);
    const [vma] = gmemVmas(run);
    expect([vma!.numa.mapMax, vma!.smaps.pss]).toEqual([1, 8 * MiB * 4096]);
  });

  it.each([
    ['allocation', [1024, 2048, 1536, 1536, 0]],
    // An entry that goes with the guest's takes its mark along.
    ['tdp', [1024, 2048, 1536, 1024, 0]],
  ])(
    'dontexpand=false, ptes=%s: in a locked one pages are locked as they come, until they leave it',
    (ptes, expected) => {
      const run = play(
        `task-policy+shadow-vma{dontexpand=false,ptes=${ptes}}`,
        `
mlockall future
vm create snp
gmem create g 8M
vm slot 0 0 8M none 0 g 0
vm attr 0 8M private
vm touch 0 4M
snapshot half
vm touch 4M 4M
snapshot whole
gmem punch g 0 2M
snapshot punched
vm attr 2M 2M shared
snapshot converted
gmem close g
vm close
snapshot closed
`,
      );
      const labels = ['half', 'whole', 'punched', 'converted', 'closed'];
      expect(labels.map((label) => run.counter(label, 'nr_mlock'))).toEqual(expected);
    },
  );

  it('charges its page tables to the VMM', () => {
    const run = play('shadow-vma', `cgroup create /vm\ncgroup move w0 /vm\n${script(TOUCH)}`);
    // 2 MiB are 512 entries: 4 tables, and those above; the memfd has none.
    expect(grown(run, 'vmPteBytes') / 4096).toBe(4 + 2);
    expect(
      run.cgroup('full', '/vm').stat['pagetables']! - run.cgroup('base', '/vm').stat['pagetables']!,
    ).toBe(6 * 4096);
  });
});

describe('the VM goes before its memory', () => {
  const steps = `
fork helper
helper: memfd unmap ram
helper: memfd close ram
${TOUCH}
vm close
helper: vm close
gmem close g
snapshot closed
exit
snapshot exited
helper: gmem close g
`;

  it.each([
    'page-cache',
    'shadow-vma',
    'tdp-fault',
    'alloc-charge',
    'tracker',
    'fbind',
    'mempolicy-dup',
    'upstream',
  ])('under %s: nothing is freed until the last holder closes', (strategy) => {
    const run = play(strategy, script(steps));
    expect(['closed', 'exited', 'full'].map((at) => run.pagesOf(at, 'g'))).toEqual([2048, 2048, 0]);
    const tables = ['closed', 'exited', 'full'].map((at) => run.counter(at, 'nr_sec_page_table_pages'));
    // The VM itself lives as long as the file, its second-level page table as long as the address space.
    expect(tables[0]).toBeGreaterThan(0);
    expect(tables.slice(1)).toEqual([0, 0]);
    // Counted in the RSS of the process that ended, it counts nowhere now.
    const countsInRss = ['shadow-vma', 'tdp-fault', 'alloc-charge'].includes(strategy);
    expect(run.findings.filter((id) => id !== 'rss-exceeds-vm-size')).toEqual(
      countsInRss ? ['uncounted-memory'] : [],
    );
    expect(run.rss('exited', 'helper')).toBe(0);
  });
});

describe('tracker{oom=true}', () => {
  it('puts private memory into badness and oom_score, nothing else', () => {
    const plain = play('tracker', script(TOUCH));
    const counted = play('tracker{oom=true}', script(TOUCH));
    const points = (run: Played): number => run.process('full')!.oomBadnessPages!;
    expect(points(counted) - points(plain)).toBe(8 * PAGES);
    expect(counted.process('full')!.oomScore).toBeGreaterThan(plain.process('full')!.oomScore);
    expect(counted.rss('full')).toBe(plain.rss('full'));
  });

  it('changes whom the OOM killer takes', () => {
    const steps = `
spawn hog
cgroup create /a
cgroup move w0 /a
cgroup move hog /a
cgroup limit /a memory.max 24M
hog: anon map n 16M
${TOUCH}
hog: touch n 0 6M write
hog: touch n 6M 10M write
`;
    const alive = (strategy: string): boolean[] => {
      const run = play(strategy, script(steps));
      return ['w0', 'hog'].map((worker) => run.process('full', worker) !== undefined);
    };
    // At the limit the hog holds some 16 MiB, the guest 8 MiB.
    expect(alive('page-cache')).toEqual([true, false]);
    expect(alive('tracker')).toEqual([true, false]);
    const small = steps
      .replace('memory.max 24M', 'memory.max 13M')
      .replace('hog: touch n 6M 10M', 'hog: touch n 6M 1M');
    const chosen = (strategy: string): boolean[] => {
      const run = play(strategy, script(small));
      return ['w0', 'hog'].map((worker) => run.process('full', worker) !== undefined);
    };
    expect([chosen('page-cache'), chosen('tracker'), chosen('tracker{oom=true}')]).toEqual([
      [true, false],
      [true, false],
      [false, true],
    ]);
    for (const strategy of ['shadow-vma', 'tdp-fault', 'alloc-charge'])
      expect(chosen(strategy)).toEqual([false, true]);
  });
});
