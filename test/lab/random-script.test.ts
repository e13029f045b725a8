import { describe, expect, it } from 'vitest';
import { randomLines } from '../../src/lab/random/find-difference.ts';
import { randomScript } from '../../src/lab/random/random-script.ts';
import { scenarioOf, validLines } from '../../src/lab/random/valid-lines.ts';
import { unrunnable } from '../../src/lab/run-lab-step.ts';
import type { Scenario, Verb } from '../../src/scenario/types.ts';
import { isModelled } from '../../src/simulation/run-step.ts';
import { fourNodes, GiB } from '../simulation/lab.ts';

const KERNELS: readonly Scenario['kernel'][] = ['6.12', '6.18', '7.3'];
const ground = (
  kernel: Scenario['kernel'],
): { machine: ReturnType<typeof fourNodes>; kernel: Scenario['kernel'] } => ({
  machine: fourNodes(GiB),
  kernel,
});

/** Verbs that random scripts are made of. */
const EXPECTED: readonly Verb[] = [
  'mkdir',
  'mount',
  'file create',
  'snapshot',
  'spawn',
  'fork',
  'exit',
  'kill',
  'wait',
  'cgroup create',
  'cgroup move',
  'cgroup rm',
  'cgroup limit',
  'migratepages',
  'write',
  'mempolicy',
  'affinity',
  'rlimit',
  'oomadj',
  'gmem create',
  'memfd create',
  'anon map',
  'map',
  'unmap',
  'close',
  'fallocate',
  'punch',
  'punchstride',
  'ftruncate',
  'read',
  'write file',
  'stat',
  'mbind',
  'touch',
  'mlock',
  'munlock',
  'madvise',
  'move_pages',
  'where',
  'vm create',
  'vm cap',
  'vm slot',
  'vm unslot',
  'vm attr',
  'vm touch',
  'vm ttouch',
  'vm close',
];

/** What may come before the first snapshot. */
const OPENING: ReadonlySet<Verb> = new Set([
  'mkdir',
  'mount',
  'spawn',
  'write',
  'exec',
  'cgroup create',
  'cgroup limit',
  'cgroup move',
]);

/** What scripts of some theme ask for, as it stands in a line. */
const ASKED: readonly RegExp[] = [
  /transparent_hugepage\/enabled always/,
  /transparent_hugepage\/enabled madvise/,
  /shmem_enabled/,
  /defrag/,
  /madvise .* hugepage/,
  /madvise .* nohugepage/,
  /memfd create .* hugetlb/,
  /anon map .* hugetlb/,
  /node\d\/hugepages/,
  /nr_overcommit_hugepages/,
  /memory\.max (4|8|20|48)M/,
  /memory\.high/,
  /memory\.reclaim/,
  /memory\.swap\.max/,
  /memory\.oom\.group/,
  /cpuset\.mems/,
  /^#swap: /,
  /swapon/,
];

describe('random scripts', () => {
  it('are valid as they are drawn, on every kernel', () => {
    for (let seed = 0; seed < 300; seed++) {
      const kernel = KERNELS[seed % 3]!;
      const lines = randomScript({ seed, kernel, nodes: 4, length: 30 }).trimEnd().split('\n');
      expect(
        scenarioOf('random', lines, ground(kernel)),
        `seed ${seed}:\n${lines.join('\n')}`,
      ).not.toBeNull();
    }
  });

  it('run on the lab and the model, and begin with a snapshot after the start of workers, and end with one', () => {
    for (let seed = 0; seed < 100; seed++) {
      const lines = randomLines(seed, ground('7.3'));
      const { steps } = scenarioOf('random', lines, ground('7.3'))!;
      expect(steps.every((step) => isModelled(step) && unrunnable(step) === null)).toBe(true);
      const verbs = steps.map(({ verb }) => verb);
      expect(verbs.slice(0, verbs.indexOf('snapshot')).filter((verb) => !OPENING.has(verb))).toEqual([]);
      expect(verbs.at(-1)).toBe('snapshot');
      expect(steps.length).toBeGreaterThan(20);
    }
  });

  it('are the same for the same seed, and others for others', () => {
    const lines = (seed: number): string[] => randomLines(seed, ground('6.12'));
    expect(lines(7)).toEqual(lines(7));
    expect(lines(7)).not.toEqual(lines(8));
  });

  it('ask for everything', () => {
    const seen = new Set<Verb>();
    const lines = new Set<string>();
    for (let seed = 0; seed < 300; seed++) {
      const kernel = KERNELS[seed % 3]!;
      const scenario = scenarioOf('random', randomLines(seed, ground(kernel)), ground(kernel))!;
      for (const { verb } of scenario.steps) seen.add(verb);
      for (const line of scenario.script.split('\n')) lines.add(line);
    }
    expect(ASKED.filter((words) => ![...lines].some((line) => words.test(line)))).toEqual([]);
    expect(EXPECTED.filter((verb) => !seen.has(verb))).toEqual([]);
  });
});

describe('lines that are left', () => {
  it('lose what refers to nothing, down the chain', () => {
    const lines = [
      'fork w1',
      'w1: fork w2',
      'w2: anon map a 4K',
      'w2: touch a 0 4K write',
      'touch b 0 4K write',
    ];
    expect(validLines(lines, ground('6.12'))).toEqual(lines.slice(0, 4));
    expect(validLines(lines.slice(1), ground('6.12'))).toEqual([]);
  });

  it('lose what only one side can run', () => {
    const lines = ['vm create snp', 'write /proc/sys/vm/nothing 1', 'anon map a 4K'];
    expect(validLines(lines, ground('6.12'))).toEqual(['anon map a 4K']);
  });
});
