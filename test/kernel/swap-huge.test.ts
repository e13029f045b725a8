import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/scenario/types.ts';
import { fourNodes, MiB } from '../simulation/lab.ts';
import { play, type Played } from '../simulation/play.ts';

type Version = Scenario['kernel'];

const machine = {
  ...fourNodes(256 * MiB),
  thp: { enabled: 'always', shmem: 'always', defrag: 'madvise' } as const,
  swap: { bytes: 64 * MiB, isOn: true },
};
const run = (kernel: Version, text: string): Played =>
  play('page-cache', `cgroup create /a\ncgroup move w0 /a\n${text}\n`, { kernel, machine });
const stat = (played: Played, label: string, name: string): number =>
  played.cgroup(label, '/a').stat[name] ?? 0;
/** Huge pages that were written as a whole, and those that were split for it. */
const written = (played: Played, label: string): number[] =>
  ['thp_swpout', 'thp_swpout_fallback'].map((name) => stat(played, label, name));

describe('huge pages on their way to swap', () => {
  const anon = 'anon map o 8M\ntouch o 0 8M write';
  const shared = 'memfd create o 8M\nmemfd map o\ntouch o 0 8M write';

  it.each<[Version, string, number[]]>([
    ['6.12', anon, [0, 1]],
    ['6.18', anon, [1, 0]],
    ['7.3', anon, [1, 0]],
    ['6.12', shared, [0, 0]],
    ['6.18', shared, [1, 0]],
    ['7.3', shared, [1, 0]],
  ])(
    'are written as a whole where kernels can, unless only a part is meant: %s, %s',
    (kernel, memory, all) => {
      const played = run(
        kernel,
        `${memory}\nmadvise o 0 1M pageout\nsnapshot part\nmadvise o 2M 2M pageout\nsnapshot whole`,
      );
      expect(written(played, 'part')).toEqual([0, 0]);
      expect(written(played, 'whole')).toEqual(all);
    },
  );

  it('are split where swap has no room for a whole one, and stay', () => {
    const played = run(
      '7.3',
      `${anon}\ncgroup limit /a memory.swap.max 1M\nmadvise o 0 2M pageout\nsnapshot end`,
    );
    expect(written(played, 'end')).toEqual([0, 1]);
    expect(played.cgroup('end', '/a').swapCurrentBytes).toBe(MiB);
    expect(stat(played, 'end', 'anon_thp')).toBe(6 * MiB);
  });

  it.each<[Version, string]>([
    ['6.12', anon],
    ['7.3', anon],
    ['6.12', shared],
    ['7.3', shared],
  ])('go one by one, each as a whole, whoever asks for less: %s, %s', (kernel, memory) => {
    const played = run(kernel, `${memory}\ncgroup limit /a memory.reclaim 3M\nsnapshot end`);
    expect(played.cgroup('end', '/a').swapCurrentBytes).toBe(4 * MiB);
    expect(stat(played, 'end', memory === anon ? 'anon_thp' : 'shmem_thp')).toBe(4 * MiB);
  });
});

describe('pages whose write-back has ended', () => {
  const inactive = (played: Played, label: string): number => stat(played, label, 'inactive_anon') / MiB;

  it('wait in the oldest generation, so that nothing else need grow old before they go', () => {
    const played = run(
      '6.12',
      'anon map o 8M\nmadvise o 0 8M nohugepage\ntouch o 0 8M write\nmadvise o 0 3M pageout\nsnapshot out\n' +
        'cgroup limit /a memory.reclaim 1M\nsnapshot some\ncgroup limit /a memory.reclaim 3M\nsnapshot more',
    );
    expect(inactive(played, 'out')).toBe(3);
    expect(inactive(played, 'some')).toBe(2);
    // The third MiB is not among them: all that is left has grown old.
    expect(inactive(played, 'more')).toBe(4);
  });

  it('count as active where reclaim has left no older generation', () => {
    const played = run(
      '6.12',
      'anon map o 4M\nmadvise o 0 4M nohugepage\ntouch o 0 4M write\ncgroup limit /a memory.reclaim 4M\n' +
        'anon map p 2M\nmadvise p 0 2M nohugepage\ntouch p 0 2M write\nmadvise p 0 1M pageout\nsnapshot out',
    );
    expect(inactive(played, 'out')).toBe(0);
    expect(stat(played, 'out', 'active_anon')).toBe(2 * MiB);
  });
});
