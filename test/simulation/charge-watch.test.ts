import { describe, expect, it } from 'vitest';
import { hazards } from '../../src/analysis/hazards.ts';
import { play, type Played } from './play.ts';

const kinds = ({ run }: Played): (string | number)[][] =>
  hazards(run)
    .filter(({ kind }) => kind.endsWith('-charge'))
    .map(({ kind, id, step }) => [kind, id, step]);

describe('memory that counts twice', () => {
  const SCRIPT = `
gmem create g 8M flags=3
gmem map g shared
vm slot 0 0 8M none 0 g 0
`;

  it.each([
    ['page-cache', []],
    ['tracker', []],
    ['upstream', []],
    ['shadow-vma', [['double-charge', 'counted-twice', 5]]],
    ['tdp-fault', [['double-charge', 'counted-twice', 5]]],
    ['alloc-charge{counter=own}', [['double-charge', 'counted-twice', 5]]],
  ])('is what a host mapping makes of private memory under %s', (strategy, expected) => {
    const text = `${SCRIPT}vm touch 0 4M\ntouch g 0 2M read\n`;
    const played = play(strategy, text, { kernel: '7.3' });
    expect(kinds(played)).toEqual(expected);
    const [found] = hazards(played.run).filter(({ kind }) => kind === 'double-charge');
    expect(found?.chain.map(({ step }) => step) ?? [4, 5]).toEqual([4, 5]);
    expect(found?.message ?? '2048 kB').toMatch(/^2048 kB/);
  });

  it('is not what two mappings of the host make, which RSS counts by entry, nor huge pages of the pool', () => {
    const text = `${SCRIPT}touch g 0 2M read\ngmem map g shared\ntouch g 0 2M read\n`;
    expect(kinds(play('page-cache', text, { kernel: '7.3' }))).toEqual([]);
    const huge = `write /proc/sys/vm/nr_hugepages 4\nanon map h 4M hugetlb\ntouch h 0 4M write\n`;
    expect(kinds(play('tdp-fault', `${huge}${SCRIPT}vm touch 0 4M\n`, { kernel: '7.3' }))).toEqual([]);
    expect(
      kinds(play('tdp-fault', `${huge}${SCRIPT}vm touch 0 4M\ntouch g 0 2M read\n`, { kernel: '7.3' })),
    ).toHaveLength(1);
  });

  it('is told again when there is more of it, and not otherwise', () => {
    const text = `${SCRIPT}vm touch 0 4M\ntouch g 0 1M read\ntouch g 0 1M read\ntouch g 0 2M read\n`;
    expect(kinds(play('tdp-fault', text, { kernel: '7.3' })).map(([, , step]) => step)).toEqual([5, 7]);
  });
});

describe('a charge that is lost', () => {
  const SCRIPT = `
cgroup create /a
cgroup create /b
spawn vmm
cgroup move vmm /a
vmm: vm create snp
vmm: gmem create g 8M
vmm: vm slot 0 0 8M none 0 g 0
vmm: vm attr 0 8M private
vmm: gmem fallocate g 0 8M
cgroup move vmm /b
snapshot moved
cgroup rm /a
snapshot removed
`;

  it.each(['6.12', '7.3'] as const)('with the cgroup that paid, on %s', (kernel) => {
    const played = play('page-cache', SCRIPT, { kernel });
    expect(kinds(played)).toEqual([['lost-charge', 'orphaned-charge', 12]]);
    const [{ chain } = { chain: [] }] = hazards(played.run);
    expect(chain.map(({ step }) => step)).toEqual([9, 10, 12]);
    expect(chain.at(-1)!.message).toContain(kernel === '7.3' ? 'went to /' : 'stays with /a');
  });

  it('not while the group has nothing, or can not be removed', () => {
    expect(kinds(play('page-cache', SCRIPT.replace(/^vmm: gmem fallocate.*$/m, 'noop')))).toEqual([]);
    const busy = SCRIPT.replace('cgroup move vmm /b', 'noop');
    expect(kinds(play('page-cache', busy))).toEqual([]);
  });

  it('with the process that it was counted for, when another keeps the file', () => {
    const text = `${SCRIPT}vmm: fork helper\nkill vmm\n`;
    expect(kinds(play('alloc-charge', text)).at(-1)).toEqual(['lost-charge', 'uncounted-memory', 15]);
    expect(kinds(play('alloc-charge', `${SCRIPT}kill vmm\n`))).toHaveLength(1);
  });
});
