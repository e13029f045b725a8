import { describe, expect, it } from 'vitest';
import { play } from '../simulation/play.ts';

const control = (path: string, words: string): string =>
  `write /sys/fs/cgroup${path}/cgroup.subtree_control ${words}`;

/** Runs lines and says what each returned; identical lines may not occur twice. */
function answers(lines: readonly string[]): [string, string][] {
  const played = play('page-cache', lines.join('\n'));
  return lines.map((line) => [line, played.errno(line)]);
}

describe('the tree of cgroups', () => {
  it('has a group made in one that is there, and removed when nothing is in it', () => {
    const expected: [string, string][] = [
      ['cgroup create /a', '0'],
      ['cgroup create /a/b', '0'],
      ['cgroup create /x/y', 'ENOENT'],
      ['cgroup rm /a', 'EBUSY'],
      ['cgroup rm /', 'EBUSY'],
      ['cgroup move w0 /a/b', '0'],
      ['cgroup rm /a/b', 'EBUSY'],
      ['cgroup move w0 /', '0'],
    ];
    const played = play(
      'page-cache',
      expected.map(([line, errno]) => (line.includes('/x') ? `${line} = -${errno}` : line)).join('\n'),
    );
    expect(expected.map(([line]) => [line, played.errno(line)])).toEqual(expected);
  });

  it('keeps processes out of groups that hand memory down, and memory in groups that hold processes', () => {
    const expected: [string, string][] = [
      ['cgroup create /a', '0'],
      ['cgroup create /a/b', '0'],
      ['cgroup move w0 /a', '0'],
      [control('/a', '+memory'), 'EBUSY'],
      // Controllers of threads may, as long as nobody below is there.
      [control('/a', '+cpuset'), '0'],
      ['cgroup move w0 /a/b', '0'],
      [control('/a', '+memory +cpuset'), '0'],
      ['cgroup move self /a', 'EBUSY'],
    ];
    expect(answers(expected.map(([line]) => line))).toEqual(expected);
  });

  it('refuses words that are no controllers, controllers that are not handed down to it, and those in use below', () => {
    const expected: [string, string][] = [
      ['cgroup create /a', '0'],
      ['cgroup create /a/b', '0'],
      [control('/a', '+nosuch'), 'EINVAL'],
      [control('/a', 'memory'), 'EINVAL'],
      [control('/a/b', '+memory'), 'ENOENT'],
      [control('/a', '+memory'), '0'],
      [control('/a/b', '+memory +memory'), '0'],
      [control('/a', '-memory'), 'EBUSY'],
      [control('/a/b', '-memory'), '0'],
      [control('/a', '-memory -cpuset'), '0'],
    ];
    expect(answers(expected.map(([line]) => line))).toEqual(expected);
  });

  it('counts memory in the nearest group that has memory files, and none before these are there', () => {
    const played = play(
      'page-cache',
      `cgroup create /a
       cgroup create /a/b
       cgroup move w0 /a/b
       anon map o 4M
       touch o 0 100p write
       cgroup limit /a/b memory.max 100M
       snapshot without
       ${control('/a', '+memory')}
       touch o 100p 50p write
       snapshot with
       cgroup limit /a/b memory.high 100M
       ${control('/a', '-memory')}
       touch o 150p 20p write
       snapshot again`,
    );
    const anon = (label: string, path: string): number =>
      (played.cgroup(label, path).stat['anon'] ?? 0) / 4096;
    expect(played.errno('cgroup limit /a/b memory.max 100M')).toBe('ENOENT');
    expect(played.errno('cgroup limit /a/b memory.high 100M')).toBe('0');
    expect([anon('without', '/a'), anon('without', '/a/b')]).toEqual([100, 0]);
    expect([anon('with', '/a'), anon('with', '/a/b')]).toEqual([150, 50]);
    expect([anon('again', '/a'), anon('again', '/a/b')]).toEqual([170, 0]);
    expect(played.cgroup('again', '/a/b').procs).toHaveLength(1);
  });

  it('has files that only tell, and files that are there for some groups only', () => {
    const expected: [string, string][] = [
      ['cgroup create /a', '0'],
      ['cgroup create /a/b', '0'],
      ['cgroup limit /a memory.current 0', 'EINVAL'],
      ['cgroup limit /a memory.peak 0', '0'],
      ['cgroup limit /a memory.swap.high 10M', '0'],
      ['cgroup limit /a/b cpuset.mems 0', 'ENOENT'],
      ['cgroup limit / memory.max 100M', 'ENOENT'],
      ['cgroup limit / memory.reclaim 1M', 'EAGAIN'],
    ];
    expect(answers(expected.map(([line]) => line))).toEqual(expected);
  });

  it('kills whoever is in a group or below it, and nobody else', () => {
    const kill = (path: string, value: string): string => `write /sys/fs/cgroup${path}/cgroup.kill ${value}`;
    const lines: [string, string][] = [
      ['cgroup create /a', '0'],
      ['cgroup create /a/b', '0'],
      ['cgroup create /ab', '0'],
      ['spawn w1', '0'],
      ['spawn w2', '0'],
      ['cgroup move w0 /a/b', '0'],
      ['cgroup move w2 /ab', '0'],
      [kill('/a', '0'), 'ERANGE'],
      [kill('/a', 'x'), 'EINVAL'],
      [kill('', '1'), 'ENOENT'],
      [kill('/c', '1'), 'ENOENT'],
      [kill('/a', '1'), '0'],
      ['cgroup rm /a/b', '0'],
    ];
    const played = play('page-cache', [...lines.map(([line]) => line), 'snapshot end'].join('\n'));
    expect(lines.map(([line]) => [line, played.errno(line)])).toEqual(lines);
    const alive = ['w0', 'w1', 'w2'].filter((worker) => played.process('end', worker) !== undefined);
    expect(alive).toEqual(['w1', 'w2']);
  });
});
