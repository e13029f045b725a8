import { describe, expect, it } from 'vitest';
import { consequenceReport, type StrategyConsequences } from '../../src/analysis/consequence-report.ts';
import { play, type Played } from '../simulation/play.ts';
import { verdicts } from './played.ts';

/** A helper that got the descriptor by fork allocates in a group of its own; then the VMM's group hits its limit. */
const SCRIPT = `
cgroup create /vm
cgroup create /infra
spawn vmm
spawn small
cgroup move vmm /vm
cgroup move small /vm
vmm: vm create snp
vmm: memfd create ram 64M
vmm: memfd map ram shared
vmm: gmem create private 64M
vmm: vm slot 0 0 64M ram 0 private 0
vmm: gmem policy private 0 64M bind 1
vmm: vm attr 0 64M private
vmm: vm touch 0 16M
vmm: fork helper
cgroup move helper /infra
helper: gmem fallocate private 16M 16M
small: anon map heap 8M
small: touch heap 0 8M write
snapshot shared-out
vmm: vm convert 0 4M shared
vmm: vm touch 0 4M
snapshot converted
cgroup limit /vm memory.max 40M
small: anon map more 24M
small: touch more 0 24M write
snapshot short
`;

const consequencesOf = ({ run }: Played): StrategyConsequences =>
  consequenceReport({ scenario: { kernel: '6.12' }, strategies: [run] }).strategies[0]!;

describe('a run of page-cache', () => {
  const played = play('page-cache', SCRIPT);
  const told = consequencesOf(played);

  it('is judged by what it did', () => {
    expect(verdicts(played.run)).toEqual({
      'visible-per-process': 'not met',
      'visible-per-node': 'not met',
      'right-memcg': 'partly',
      'no-double-count': 'met',
      'after-handover': 'partly',
      'placement-per-backend': 'not met',
      movable: 'not tried',
      'no-vma': 'met',
      'cost-per-fault': 'met',
    });
  });

  it('lets the helper pay for the guest, past any limit on the guest', () => {
    const cell = told.payers.find(
      (row) => row.snapshot === 'shared-out' && row.user === '/vm' && row.payer === '/infra',
    );
    expect(cell?.privateKb).toBe(16 * 1024);
    const limit = told.limits.find(({ snapshot }) => snapshot === 'short');
    expect(limit).toMatchObject({ cgroup: '/vm', limit: 'memory.max', limitKb: 40 * 1024 });
    expect(limit!.escapesKb).toBeGreaterThanOrEqual(16 * 1024);
  });

  it('kills a bystander: the guest used more', () => {
    expect(told.deaths).toEqual([
      expect.objectContaining({
        victim: 'small',
        limit: '/vm',
        largest: 'vmm',
        isBystander: true,
      }) as unknown,
    ]);
    const [{ step, line } = { step: 0, line: 0 }] = told.deaths;
    expect(played.run.steps.find(({ n }) => n === step)).toMatchObject({
      line,
      text: 'small: touch more 0 24M write',
      message: 'worker died: signal 9 (KILL)',
    });
  });

  it('leaves the private memory off the wish, and says on which nodes', () => {
    const [placed] = told.placements;
    expect(placed).toMatchObject({ object: 'private', kb: 32 * 1024 });
    expect(placed!.offPolicyKb).toBeGreaterThan(0);
    expect(placed!.offPolicyKb).toBe(placed!.offPolicyNodesKb.reduce((sum, kb) => sum + kb, 0));
  });

  it('hides the guest in the cache of free and from smem', () => {
    const error = (tool: string, subject: string): number | undefined =>
      told.tools.find(
        (row) =>
          row.snapshot === 'shared-out' && row.tool === tool && row.subject === subject && row.node === null,
      )?.errorKb;
    // And what slab could give back, which is nobody's page.
    expect(error('free-buff-cache', 'machine')).toBeGreaterThanOrEqual(32 * 1024);
    expect(error('free-buff-cache', 'machine')).toBeLessThan(33 * 1024);
    expect(error('smem-rss', 'vmm')).toBe(-32 * 1024);
  });

  it('has books that balance', () => {
    expect(told.hazards).toEqual([]);
  });
});

describe('other designs of the same script', () => {
  it('with VmRSS right: the guest dies in place of the bystander', () => {
    const told = consequencesOf(play('alloc-charge', SCRIPT));
    expect(told.deaths[0]).toMatchObject({ victim: 'vmm', largest: 'vmm', isBystander: false });
  });

  it('with a charge to the owner of the VM: nothing escapes', () => {
    const { run } = play('alloc-charge{charge=vm}', SCRIPT.slice(0, SCRIPT.indexOf('cgroup limit')));
    expect(verdicts(run)['right-memcg']).toBe('met');
  });

  it('with shadow VMAs: seen, but not without a VMA', () => {
    expect(verdicts(play('shadow-vma', SCRIPT).run)).toMatchObject({
      'placement-per-backend': 'met',
      'no-vma': 'partly',
    });
  });

  it('with pages that movers may take: nobody tried, so nobody knows', () => {
    expect(verdicts(play('page-cache+gmem-callback', SCRIPT).run)['movable']).toBe('not tried');
  });

  it('that forgets to take pages back: the counter breaks at exit', () => {
    const { run } = play('alloc-charge{uncharge=false}', `${SCRIPT}\nhelper: exit\nvmm: exit\n`);
    const told = consequenceReport({ scenario: { kernel: '6.12' }, strategies: [run] });
    expect(told.strategies[0]!.hazards.map(({ kind }) => kind)).toContain('bad-counter');
    expect(verdicts(run)['after-handover']).toBe('not met');
  });
});

describe('a machine that runs out', () => {
  const HOST = `
spawn vmm
spawn small
vmm: vm create snp
vmm: memfd create ram 512M
vmm: memfd map ram shared
vmm: gmem create private 512M
vmm: vm slot 0 0 512M ram 0 private 0
vmm: vm attr 0 512M private
vmm: vm touch 0 512M
small: anon map heap 1G
small: touch heap 0 1G write
snapshot after
`;

  it('loses the one whose memory is seen, unless the guest’s is', () => {
    const blind = consequencesOf(play('page-cache', HOST)).deaths[0];
    expect(blind).toMatchObject({ victim: 'small', limit: null, largest: 'vmm', isBystander: true });
    const seeing = consequencesOf(play('tdp-fault', HOST)).deaths[0];
    expect(seeing).toMatchObject({ victim: 'vmm', limit: null, largest: 'vmm', isBystander: false });
    expect(seeing!.victimKb).toBe(512 * 1024);
  });
});
