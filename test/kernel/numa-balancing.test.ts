import { describe, expect, it } from 'vitest';
import type { StepResult } from '../../src/result/types.ts';
import { play, type Played } from '../simulation/play.ts';

const words = (played: Played, n = -1): string =>
  played.run.steps.filter(({ text }) => text.endsWith('numa_balance')).at(n)!.message;
const passes = (strategy: string, script: string): StepResult[] =>
  play(strategy, script).run.steps.filter(({ text }) => text.endsWith('numa_balance'));

describe('NUMA balancing', () => {
  const AWAY = 'affinity 1\nanon map a 4M\ntouch a 0 4M write\naffinity 2\n';

  it('brings what a thread accesses to its node, and counts as Linux does', () => {
    const played = play('page-cache', `${AWAY}snapshot before\nnuma_balance\nsnapshot after\nnuma_balance`);
    expect(words(played, 0)).toBe('scanned=1024 hinted=1024 moved=1024 failed=0');
    // A process of one thread gets no hints for what is where it runs.
    expect(words(played)).toBe('scanned=1024 hinted=0 moved=0 failed=0');
    expect(played.nodesOf('after', 'anonymous memory')).toEqual([0, 0, 1024, 0]);
    const event = (name: string): number => {
      const of = (label: string): number => played.snapshot(label).facts.system.vmEvents[name] ?? 0;
      return of('after') - of('before');
    };
    expect(
      ['numa_pte_updates', 'numa_hint_faults', 'numa_hint_faults_local', 'numa_pages_migrated'].map(event),
    ).toEqual([1024, 1024, 0, 1024]);
    expect(event('pgmigrate_success')).toBe(1024);
  });

  it.each([
    ['an explicit policy', 'mempolicy interleave 1,2', 'scanned=0 hinted=0 moved=0 failed=0'],
    [
      'a bind that asks for it, to the node of the thread',
      'mempolicy bind=balancing 1-2',
      'scanned=1024 hinted=1024 moved=1024 failed=0',
    ],
    [
      'a bind that asks for it, to other nodes',
      'mempolicy bind=balancing 0-1',
      'scanned=1024 hinted=1024 moved=0 failed=0',
    ],
  ])('goes by the policy: %s', (_, policy, expected) => {
    expect(words(play('page-cache', `${AWAY}${policy}\nnuma_balance`))).toBe(expected);
  });

  it('leaves alone what fork made common', () => {
    expect(words(play('page-cache', `${AWAY}fork child\nnuma_balance`))).toBe(
      'scanned=1024 hinted=0 moved=0 failed=0',
    );
  });

  const GUEST = `
affinity 1
vm create swprot
memfd create ram 8M
memfd map ram shared
gmem create g 8M
vm slot 0 0 8M ram 0 g 0
vm attr 2M 6M private
vm touch 0 8M
affinity 2
snapshot before
numa_balance
snapshot after
`;

  it('takes the second-level entries of shared memory, and finds private memory nowhere', () => {
    const played = play('page-cache', GUEST);
    expect(words(played)).toBe('scanned=512 hinted=512 moved=512 failed=0');
    expect(played.holding('after', 'ram')).toMatchObject({ nodePages: [0, 0, 512, 0], guestMappedPages: 0 });
    expect(played.holding('after', 'g')).toMatchObject({
      nodePages: [0, 1536, 0, 0],
      guestMappedPages: 1536,
    });
  });

  it('passes over a shadow VMA, as nothing may access it', () => {
    expect(passes('shadow-vma', GUEST)[0]!.message).toBe('scanned=512 hinted=512 moved=512 failed=0');
  });

  it('scans one that pretends to be accessible, and gets no hint: it costs the guest its entries', () => {
    const strategy = 'task-policy+shadow-vma{accessible=true}+shadow-rmap{kvm-knows-shadow=true}';
    const played = play(strategy, GUEST);
    expect(words(played)).toBe('scanned=2048 hinted=512 moved=512 failed=0');
    expect(played.holding('after', 'g')).toMatchObject({ nodePages: [0, 1536, 0, 0], guestMappedPages: 0 });
  });
});
