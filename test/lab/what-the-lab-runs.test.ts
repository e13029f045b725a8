import { describe, expect, it } from 'vitest';
import { machineArguments, unbootable } from '../../src/lab/qemu-machine.ts';
import { unrunnable } from '../../src/lab/run-lab-step.ts';
import { scriptHeaders } from '../../src/lab/script-headers.ts';
import { loadSteps } from '../../src/scenario/load-steps.ts';
import type { Machine, Step } from '../../src/scenario/types.ts';
import { fourNodes, GiB, MiB } from '../simulation/lab.ts';

const stepsOf = (text: string): Step[] => {
  const loaded = loadSteps({ file: 'x.steps', text, machine: fourNodes(GiB), kernel: '7.3' });
  if ('problems' in loaded) throw new Error(loaded.problems.map(({ message }) => message).join());
  return loaded.scenario.steps;
};

describe('a machine of the lab', () => {
  it('becomes arguments of QEMU', () => {
    const words = machineArguments({ ...fourNodes(GiB), belowFourGib: 600 * MiB }).join(' ');
    expect(words).toContain('-smp 4,sockets=4,cores=1,threads=1 -m 4096M');
    expect(words).toContain('max-ram-below-4g=629145600');
    expect(words).toContain(
      '-object memory-backend-ram,id=m3,size=1024M -numa node,nodeid=3,cpus=3,memdev=m3',
    );
    expect(words.match(/-numa dist/g)).toHaveLength(6);
    expect(words).toContain('-numa dist,src=1,dst=2,val=24');
  });

  it('may have nodes without CPUs and without memory', () => {
    const machine = fourNodes(64 * MiB);
    machine.nodes[3]!.cpus = [];
    machine.nodes[2]!.memoryBytes = 0;
    const words = machineArguments(machine).join(' ');
    expect(words).toContain('-numa node,nodeid=3,memdev=m3');
    expect(words).toContain('-numa node,nodeid=2,cpus=2 ');
    expect(unbootable({ machine, processes: {} })).toEqual([]);
  });

  it.each([
    ['a gap in the CPUs', (m: Machine): number[] => (m.nodes[1]!.cpus = [7]), /CPUs 0,2-3,7/],
    [
      'too much memory',
      (m: Machine): number => (m.nodes[1]!.memoryBytes = 2 ** 50),
      /this computer has \d+ MiB/,
    ],
    ['movable memory', (m: Machine): number => (m.nodes[1]!.movableBytes = MiB), /node 1: movable/],
    ['a background', (m: Machine): number => (m.nodes[2]!.background.anon = MiB), /node 2: .*background/],
  ])('is refused for %s', (_, change, words) => {
    const machine = fourNodes(64 * MiB);
    change(machine);
    expect(unbootable({ machine, processes: {} })).toEqual([expect.stringMatching(words)]);
  });
});

describe('a step of the lab', () => {
  it.each([
    ['vm launch-update 0 4K', /SNP/],
    ['vm create snp', /SNP/],
    ['vm convert 0 4K shared', /only the model knows "vm convert"/],
    ['gmem create g 4K\ngmem policy g 0 4K bind 1', /only the model knows "gmem policy"/],
    ['vm touch 0 4K', /CODE_OBJECT/],
  ])('%s is refused', (text, words) => {
    expect(unrunnable(stepsOf(text).at(-1)!)).toMatch(words);
  });

  it('of any other kind runs', () => {
    const text = `
      cgroup create /a
      anon map a 4M hugetlb
      madvise a 0 4M collapse
      vm create swprot
      vm vcpu 1 2 bind 3
      vm touch 1M 4K a vcpu=1 random=1
      vm ttouch 1M 4K a 1 local
      offline_node 3 100
      exec x /bin/true
      reap`;
    expect(stepsOf(text).map(unrunnable)).toEqual(Array.from({ length: 10 }, () => null));
  });
});

describe("a script's headers", () => {
  it('ask for a disk, words for the kernel and huge pages', () => {
    expect(
      scriptHeaders('# hello\n#cmdline: rig.shmem=always movablecore=1G\n#swap: 1G\nvm create\n'),
    ).toEqual({
      commandLine: 'rig.shmem=always movablecore=1G',
      swapBytes: GiB,
      thp: { shmem_enabled: 'always' },
    });
    expect(scriptHeaders('vm create\n')).toEqual({ commandLine: '', swapBytes: 0, thp: {} });
  });

  it('are refused when they mean nothing here', () => {
    expect(scriptHeaders('#swap: much\n')).toEqual({ problem: '#swap: "much" is no size, as in 1G' });
    expect(scriptHeaders('#qemu: -m 1G\n')).toHaveProperty('problem');
  });
});
