import { describe, expect, it } from 'vitest';
import { MiB } from './lab.ts';
import { play, type Played } from './play.ts';

const PAGES = MiB / 4096;

/** A VMM in /vm and a helper in /helper that holds its gmem; somebody needs the pages first. */
const script = (first: string): string => `
cgroup create /vm
cgroup create /helper
cgroup move w0 /vm
vm create snp
gmem create g 8M
memfd create ram 8M
memfd map ram shared
vm slot 0 0 8M ram 0 g 0
vm attr 0 8M private
fork helper
cgroup move helper /helper
helper: memfd unmap ram
mempolicy bind 0
helper: mempolicy bind 2
vm vcpu 0 1 bind 1
snapshot base
${first}
snapshot full
`;

/** MiB charged to each group, MiB on each node, MiB of RSS shown for VMM and helper. */
function outcome(run: Played): { paid: number[]; nodes: number[]; shown: (number | null)[] } {
  const units = (pages: number): number => pages / PAGES;
  return {
    paid: ['/vm', '/helper'].map((path) => run.cgroup('full', path).stat['unevictable']! / MiB),
    nodes: run.nodesOf('full', 'g').map(units),
    shown: ['w0', 'helper'].map((worker) => units(run.rss('full', worker)! - run.rss('base', worker)!)),
  };
}

const FALLOCATE = 'gmem fallocate g 0 8M';

describe('who pays, who places, who is shown', () => {
  it('a second allocation of the same pages charges and moves nothing', () => {
    const twice = play('alloc-charge{owner=current}', script(`helper: gmem fallocate g 0 6M\n${FALLOCATE}`));
    expect(outcome(twice)).toEqual({ paid: [2, 6], nodes: [2, 0, 6, 0], shown: [2, 6] });
  });

  it('whoever punches, the one who was charged and counted is relieved', () => {
    const run = play(
      'alloc-charge{owner=current}',
      script(`helper: gmem fallocate g 0 6M\n${FALLOCATE}\ngmem punch g 0 7M`),
    );
    expect(outcome(run)).toEqual({ paid: [1, 0], nodes: [1, 0, 0, 0], shown: [1, 0] });
    const other = play('page-cache', script(`${FALLOCATE}\nhelper: gmem punch g 0 3M`));
    expect(outcome(other).paid).toEqual([5, 0]);
  });

  it('charge=vm follows the VMM, while it lives', () => {
    const moved =
      'helper: gmem fallocate g 0 2M\ncgroup move w0 /helper\ncgroup move helper /vm\nhelper: gmem fallocate g 0 4M';
    expect(outcome(play('alloc-charge{charge=vm}', script(moved))).paid).toEqual([2, 2]);
    const dead = play(
      'alloc-charge{charge=vm}',
      script('helper: gmem fallocate g 0 2M\nkill w0\nhelper: gmem fallocate g 0 8M'),
    );
    expect(['/vm', '/helper'].map((path) => dead.cgroup('full', path).stat['unevictable']! / MiB)).toEqual([
      2, 6,
    ]);
    expect(dead.findings).not.toContain('rss-balanced-at-exit');
  });
});

describe('a gmem that its VMM has mapped (7.3, no private memory)', () => {
  const both = (steps: string): string =>
    `
gmem create g 8M flags=3
gmem map g shared
vm slot 0 0 8M none 0 g 0
snapshot base
${steps}
snapshot full
`;
  const rssFile = (strategy: string, steps: string): number => {
    const run = play(strategy, both(steps), { kernel: '7.3' });
    expect(run.run.findings.filter(({ kind }) => kind === 'law')).toEqual([]);
    return (run.process('full')!.rssFilePages - run.process('base')!.rssFilePages) / PAGES;
  };

  it('is in RSS as far as the VMM itself touched it', () => {
    expect(rssFile('page-cache', 'vm touch 0 4M')).toBe(0);
    expect(rssFile('page-cache', 'vm touch 0 4M\ntouch g 0 2M read')).toBe(2);
    expect(rssFile('page-cache', 'touch g 0 2M write\ngmem punch g 0 1M')).toBe(1);
    expect(rssFile('page-cache', 'touch g 0 2M write\ngmem fallocate g 0 8M')).toBe(2);
  });

  it('is left out of the tracker as far as it is in RSS', () => {
    const run = play('tracker{status=true,oom=true}', both('vm touch 0 4M\ntouch g 0 1M read'), {
      kernel: '7.3',
    });
    const { extraStatus, oomBadnessPages } = run.process('full')!;
    expect(extraStatus).toEqual([{ name: 'RssGmem', kb: 3 * 1024 }]);
    const tables = (run.process('full')!.vmPteBytes - run.process('base')!.vmPteBytes) / 4096;
    expect(oomBadnessPages! - run.process('base')!.oomBadnessPages!).toBe(4 * PAGES + tables);
  });
});
