import type { Step } from '../../src/scenario/types.ts';
import { describe, expect, it } from 'vitest';
import type { Capture } from '../../src/conformance/capture.ts';
import { conformCapture, type CaptureResult } from '../../src/conformance/conform-capture.ts';
import type { ModelRun } from '../../src/conformance/run-model.ts';
import type {
  CgroupFacts,
  NodeFacts,
  ProcessFacts,
  SnapshotFacts,
  VmaFacts,
} from '../../src/procfs/facts.ts';
import { CAPTURES, captureOf, modelOf, scenarioOf } from './captures.ts';

/** Captures whose texts tell all that `modelOf` needs: no reclaim, no deaths, no changes of what programs share. */
const PLAIN = CAPTURES.filter(([name]) => /^S(01|02|03|04|05|06a|10|11|14)/.test(name));

describe.each(PLAIN)('%s', (_, capture) => {
  it('agrees with a model that says the same', () => {
    const result = conformCapture(capture, scenarioOf(capture), modelOf(capture));
    expect(result.offences).toEqual([]);
    expect(result.steps).toEqual({ recorded: capture.steps.length, matching: capture.steps.length });
    // What the kernel prints of processes, nodes and the system is there to be compared, not only excused.
    const excused = result.excuses.map(({ id }) => id);
    expect(
      excused.filter(
        (id) => !['rounding', 'own-history', 'tool-later', 'tool-allocates', 'free-memory'].includes(id),
      ),
    ).toEqual([]);
    const compared = new Map(result.classes.map(({ fieldClass, count }) => [fieldClass, count.compared]));
    for (const name of [
      'step results',
      'numa_maps',
      'smaps_rollup',
      'status',
      'node meminfo',
      'numastat',
    ] as const) {
      expect(compared.get(name), name).toBeGreaterThan(capture.snapshots.length);
    }
  });

  it('finds a model off that never does anything', () => {
    const result = conformCapture(capture, scenarioOf(capture), (scenario) => {
      const run = modelOf(capture)(scenario);
      const first = run.snapshots[0]!.facts;
      return { ...run, snapshots: run.snapshots.map(({ label }) => ({ label, facts: first })) };
    });
    expect(result.verdict).toBe('off');
    expect(result.offences.map(({ field }) => field)).toContain('FilePages');
  });
});

/** What a planted fault can reach: the facts of one snapshot. */
interface Planted {
  facts: SnapshotFacts;
  node: (nid: number) => NodeFacts;
  process: (worker: string) => ProcessFacts;
  vma: (worker: string, name: string) => VmaFacts;
  cgroup: (path: string) => CgroupFacts;
}

function withFault(capture: Capture, label: string, plant: (planted: Planted) => void): CaptureResult {
  return conformCapture(capture, scenarioOf(capture), (scenario) => {
    const run = modelOf(capture)(scenario);
    const { facts } = run.snapshots.find((snapshot) => snapshot.label === label)!;
    const process = (worker: string): ProcessFacts => facts.processes.find((one) => one.worker === worker)!;
    plant({
      facts,
      process,
      node: (nid) => facts.nodes[nid]!,
      vma: (worker, name) => process(worker).vmas.find((one) => one.name.includes(name))!,
      cgroup: (path) => facts.cgroups.find((one) => one.path === path)!,
    });
    return run;
  });
}

const offences = (result: CaptureResult): string[] =>
  result.offences.map(({ snapshot, where, field }) => `${snapshot} ${where} ${field}`);

const S02 = captureOf('6.12', 'S02');
const S03 = captureOf('6.12', 'S03');
const S03B = captureOf('7.3', 'S03b');
const FIRST = '00-memfd-bound';

describe('a planted fault is found and named', () => {
  it('in a page count of numa_maps, with both lines', () => {
    const result = withFault(S03, FIRST, ({ vma }) => {
      vma('w0', 'memfd:m1').numa.nodes = [0, 16383, 1, 0];
    });
    expect(offences(result)).toEqual([
      `${FIRST} proc.w0/numa_maps 7f42a3200000 N1`,
      `${FIRST} proc.w0/numa_maps 7f42a3200000 N2`,
    ]);
    expect(result.offences[0]).toMatchObject({
      step: 9,
      kernel:
        '7f42a3200000 bind:1 file=/memfd:m1\\040(deleted) dirty=16384 active=0 N1=16384 kernelpagesize_kB=4',
      model:
        '7f42a3200000 bind:1 file=/memfd:m1\\040(deleted) dirty=16384 active=0 N1=16383 N2=1 kernelpagesize_kB=4',
    });
    expect(result.steps.matching).toBe(8);
  });

  it('in the policy of a mapping, and in that of the task', () => {
    const shared = withFault(S03, FIRST, ({ vma }) => {
      vma('w0', 'memfd:m0').policy = 'bind:2';
    });
    expect(offences(shared)).toEqual([`${FIRST} proc.w0/numa_maps 7f42a7600000 policy`]);
    const task = withFault(S02, '00-mapped', ({ process }) => {
      process('w0').vmas[0]!.policy = 'default';
    });
    expect(offences(task)).toEqual(['00-mapped proc.w0/numa_maps 400000 policy of the task']);
  });

  it('in the referenced huge pages of a mapping, where kernels do not leave them to chance', () => {
    const huge = ({ vmas }: ProcessFacts): VmaFacts =>
      vmas.reduce((most, vma) => (vma.smaps.anonHuge > most.smaps.anonHuge ? vma : most));
    const by = (capture: Capture, label: string, worker: string): CaptureResult =>
      withFault(capture, label, ({ process }) => {
        huge(process(worker)).smaps.referenced -= 2 * 2 ** 20;
      });
    const chance = by(captureOf('6.18', 'fork-huge'), '00-forked', 'w1');
    expect(offences(chance)).toEqual([]);
    expect(chance.excuses.map(({ id }) => id)).toContain('monitored-memory');
    const rule = by(captureOf('6.12', 'S08'), '00-anon-thp', 'w0');
    expect(offences(rule).filter((one) => one.endsWith('Referenced'))).toHaveLength(2);
  });

  it('in one sum of smaps', () => {
    const result = withFault(S03, FIRST, ({ vma }) => {
      vma('w0', 'memfd:m0').smaps.referenced -= 4096;
    });
    expect(offences(result)).toEqual([
      `${FIRST} proc.w0/smaps 7f42a7600000 Referenced`,
      `${FIRST} proc.w0/smaps_rollup Referenced`,
    ]);
  });

  it('in the flags and the permissions of a mapping', () => {
    const result = withFault(S03, FIRST, ({ vma }) => {
      const m0 = vma('w0', 'memfd:m0');
      m0.vmFlags = m0.vmFlags.filter((code) => code !== 'ms');
      m0.perms = 'r--s';
    });
    expect(offences(result)).toEqual([
      `${FIRST} proc.w0/maps 7f42a7600000`,
      `${FIRST} proc.w0/smaps 7f42a7600000 VmFlags`,
    ]);
  });

  it('in a mapping that the model lacks, and in one that only the model has', () => {
    const missing = withFault(S03, FIRST, ({ process, vma }) => {
      const gone = vma('w0', 'memfd:m0');
      process('w0').vmas = process('w0').vmas.filter((one) => one !== gone);
    });
    expect(offences(missing)).toContain(`${FIRST} proc.w0/maps 7f42a7600000`);
    expect(offences(missing)).toContain(`${FIRST} proc.w0/numa_maps 7f42a7600000 N0`);
    const extra = withFault(S03, FIRST, ({ process, vma }) => {
      process('w0').vmas.push({
        ...vma('w0', '[stack]'),
        start: 0x7fff_ffff_0000,
        end: 0x7fff_ffff_1000,
        name: '',
      });
    });
    expect(offences(extra)).toContain(`${FIRST} proc.w0/maps 7fffffff0000`);
  });

  it.each([
    ['rssShmemPages', 1, ['status VmRSS', 'status RssShmem', 'statm resident', 'statm shared']],
    ['rssAnonPages', -1, ['status VmRSS', 'status RssAnon', 'statm resident']],
    ['vmSizePages', 1, ['status VmSize', 'statm size']],
    ['vmDataPages', 1, ['status VmData', 'statm data']],
    ['vmPeakPages', 1024, ['status VmPeak']],
    ['vmHwmPages', 97, ['status VmHWM']],
    ['vmLckPages', 1, ['status VmLck']],
    ['vmSwapPages', 1, ['status VmSwap']],
    ['vmPteBytes', 4 * 4096, ['status VmPTE']],
    ['oomScore', 1, ['oom_score oom_score']],
  ] as const)('in %s of a process', (field, by, expected) => {
    const result = withFault(S02, '01-touched', ({ process }) => {
      process('w0')[field] += by;
    });
    expect(offences(result)).toEqual(expected.map((words) => `01-touched proc.w0/${words}`));
  });

  it('in a page on the wrong node, to the last page', () => {
    const result = withFault(S03B, '01-policy-survives-unmap', ({ node }) => {
      node(0).counters['nr_file_pages']! -= 1;
      node(1).counters['nr_file_pages']! += 1;
    });
    expect(offences(result)).toEqual([
      '01-policy-survives-unmap node0/meminfo FilePages',
      '01-policy-survives-unmap node1/meminfo FilePages',
      '02-split-policy-in-cgroup node0/meminfo FilePages',
      '02-split-policy-in-cgroup node1/meminfo FilePages',
    ]);
    expect(result.offences[0]).toMatchObject({
      kernel: expect.stringMatching(/^FilePages: \d+ kB \(\+0\)$/) as string,
    });
  });

  it('in a total of the system, in the root cgroup and in free memory', () => {
    const label = '02-gmem-default-policy';
    const result = withFault(S03, label, ({ facts, node, cgroup }) => {
      facts.system.meminfoPages['Cached']! += 1;
      cgroup('/').stat['file']! += 4096;
      cgroup('/').numaStat['unevictable']![0]! -= 4096;
      node(3).zones[0]!.freePages -= 900;
    });
    expect(offences(result).filter((words) => words.startsWith(label))).toEqual([
      `${label} sys/meminfo Cached`,
      `${label} node3/meminfo MemFree`,
      `${label} node3/meminfo MemUsed`,
      `${label} cgroup/_root/memory.stat file`,
      `${label} cgroup/_root/memory.numa_stat unevictable N0`,
    ]);
  });

  it('in every file of a cgroup', () => {
    const label = '02-split-policy-in-cgroup';
    const result = withFault(S03B, label, ({ cgroup }) => {
      const a = S03B.snapshots.at(-1)!.files;
      const path = [...a.keys()].find((key) => key.endsWith('/cgroup.procs'))!.split('/')[1]!;
      const facts = cgroup(`/${path}`);
      facts.currentBytes += 2 ** 21;
      facts.peakBytes += 2 ** 21;
      facts.stat['unevictable']! += 4096;
      facts.numaStat['file']![2]! += 4096;
      facts.events['max'] = 1;
      facts.procs = [];
    });
    expect(offences(result).map((words) => words.replace(/^\S+ cgroup\/\w+\//, ''))).toEqual([
      'cgroup.procs /a',
      'memory.current memory.current',
      'memory.peak memory.peak',
      'memory.stat unevictable',
      'memory.numa_stat file N2',
      'memory.events max',
    ]);
  });

  it('in a process that should not live, and in one that is missing', () => {
    const dead = withFault(S03, '01-shared-policy-survives', ({ facts }) => {
      facts.processes = facts.processes.filter(({ worker }) => worker !== 'w1');
    });
    expect(offences(dead)).toContain('01-shared-policy-survives proc.w1/status process');
    const alive = withFault(S03, FIRST, ({ facts, process }) => {
      facts.processes.push({ ...process('w0'), worker: 'w7' });
    });
    expect(offences(alive)).toContain(`${FIRST} proc.w7/status process`);
  });

  it('in allocation events beyond what the controller causes', () => {
    const result = withFault(S03, FIRST, ({ node }) => {
      node(2).numastat.numa_miss += 300;
    });
    expect(offences(result)).toEqual(['01-shared-policy-survives node2/numastat numa_miss']);
  });

  it('in a snapshot that the model never reached', () => {
    const result = conformCapture(S03, scenarioOf(S03), (scenario) => {
      const run = modelOf(S03)(scenario);
      return { ...run, snapshots: run.snapshots.slice(0, 2) };
    });
    expect(offences(result)).toContain('02-gmem-default-policy proc.w0/status process');
    expect(offences(result)).toContain('02-gmem-default-policy node0/meminfo FilePages');
  });
});

describe('what may differ', () => {
  const shift =
    (pages: number) =>
    ({ vma }: Planted): void => {
      const { numa } = vma('w0', 'memfd:m0');
      numa.nodes[2]! += pages;
      numa.nodes[3]! -= pages;
    };

  it('takes three pages of an interleave split, not four', () => {
    const near = withFault(S02, '01-touched', shift(3));
    expect(near.offences).toEqual([]);
    expect(near.excuses).toContainEqual({ id: 'interleave-split', fields: 4 });
    expect(offences(withFault(S02, '01-touched', shift(-4)))).toContain(
      '01-touched proc.w0/numa_maps 7fea2c200000 N2',
    );
  });

  it('does not take a page more or less in total', () => {
    const result = withFault(S02, '01-touched', ({ vma }) => {
      vma('w0', 'memfd:m0').numa.nodes[2]! += 1;
      vma('w0', 'memfd:m0').numa.pages += 1;
    });
    expect(offences(result)).toContain('01-touched proc.w0/numa_maps 7fea2c200000 pages');
  });

  it('knows of no interleave where no task interleaves', () => {
    const result = withFault(S03B, '02-split-policy-in-cgroup', ({ node }) => {
      node(2).counters['nr_unevictable']! += 1;
    });
    expect(offences(result)).toEqual(['02-split-policy-in-cgroup node2/meminfo Unevictable']);
  });

  it("leaves out the worker program's own mappings, but not what they hide", () => {
    const own = withFault(S02, '01-touched', ({ process, vma }) => {
      const stack = vma('w0', '[stack]');
      stack.smaps.rss += 4096;
      stack.smaps.anonymous += 4096;
      stack.smaps.privateDirty += 4096;
      stack.smaps.referenced += 4096;
      process('w0').rssAnonPages += 1;
    });
    expect(own.offences).toEqual([]);
    const hidden = withFault(S02, '01-touched', ({ vma }) => {
      vma('w0', '[stack]').smaps.anonymous += 4096;
    });
    expect(offences(hidden)).toContain('01-touched proc.w0/status RssAnon');
  });
});

describe('step results', () => {
  const runWith = (change: (run: ModelRun) => void): CaptureResult =>
    conformCapture(S03, scenarioOf(S03), (scenario) => {
      const run = modelOf(S03)(scenario);
      change(run);
      return run;
    });

  it('compares the errno', () => {
    const result = runWith(({ steps }) => {
      steps[23]!.errno = 'EINVAL';
    });
    expect(result.offences).toEqual([
      {
        fieldClass: 'step results',
        step: 24,
        snapshot: null,
        where: 'mbind g0 0 64M bind 0',
        field: 'errno',
        kernel: 'EFAULT',
        model: 'EINVAL',
      },
    ]);
    expect(result.steps).toEqual({ recorded: 46, matching: 23 });
  });

  it('compares descriptors, but not pids', () => {
    const result = runWith(({ steps }) => {
      steps[20]!.ret = 9;
      steps[11]!.ret = 4711;
    });
    expect(offences(result)).toEqual(['null gmem create g0 64M ret']);
  });

  it('tells a fork that failed from one with another pid', () => {
    const result = runWith(({ steps }) => {
      steps[11]!.ret = -1;
      steps[11]!.errno = 'ENOMEM';
    });
    expect(offences(result)).toEqual(['null fork w1 errno']);
  });

  it('compares what a message states, but not what boot decides', () => {
    const stat = S02.steps.findIndex(({ step }) => step === 'memfd stat m0');
    const result = conformCapture(S02, scenarioOf(S02), (scenario) => {
      const run = modelOf(S02)(scenario);
      run.steps[stat]!.message =
        'st_mode=0 st_size=268435456 st_blocks=0 st_blksize=4096 st_dev=0x99 st_ino=77';
      return run;
    });
    expect(offences(result)).toEqual(['null memfd stat m0 message st_blocks']);
  });

  it('counts a step that the model never took', () => {
    const result = runWith((run) => {
      run.steps = run.steps.slice(0, 40);
    });
    expect(result.offences.filter(({ snapshot }) => snapshot === null)).toHaveLength(6);
  });
});

describe('input from the capture', () => {
  it('gives the model the addresses and the program, and nothing that steps made', () => {
    let seen: Parameters<ReturnType<typeof modelOf>>[0] | undefined;
    conformCapture(S03, scenarioOf(S03), (scenario) => {
      seen = scenario;
      return modelOf(S03)(scenario);
    });
    expect(seen!.steps[2]).toMatchObject({ verb: 'map', args: { name: 'm0', at: 0x7f42a7600000 } });
    expect(Object.keys(seen!.processes)).toEqual(['w0']);
    const image = seen!.processes['w0']!.image.map(({ name }) => name);
    expect(image).toContain('[stack]');
    expect(image.some((name) => name.includes('memfd'))).toBe(false);
  });

  it('reads the machine', () => {
    const { nodes, distances, thp } = scenarioOf(S03).machine;
    expect(nodes.map(({ cpus }) => cpus)).toEqual([[0], [1], [2], [3]]);
    expect(distances[1]).toEqual([12, 10, 24, 20]);
    expect(nodes[1]!.memoryBytes % 4096).toBe(0);
    expect(thp).toEqual({ enabled: 'always', shmem: 'never', defrag: 'madvise' });
  });

  it('refuses a script that is not the one that was recorded', () => {
    const scenario = scenarioOf(S03);
    const [first, ...rest] = scenario.steps;
    expect(() => conformCapture(S03, { ...scenario, steps: rest }, modelOf(S03))).toThrow(
      /records 46 steps, the script has 45/,
    );
    const other = { ...first!, text: 'memfd create m0 32M' };
    expect(() => conformCapture(S03, { ...scenario, steps: [other, ...rest] }, modelOf(S03))).toThrow(
      /step 1: records "memfd create m0 64M", line 2 of the script is "memfd create m0 32M"/,
    );
  });

  it('does not judge a kernel without profile, and does not run the model for it', () => {
    const result = conformCapture({ ...S03, release: '6.6.1', profile: null }, scenarioOf(S03), () => {
      throw new Error('the model ran');
    });
    expect(result).toMatchObject({
      verdict: 'not judged',
      reason: expect.stringContaining('6.12, 6.18, 7.3') as string,
    });
  });

  it('names the snapshot and the file whose text is not what a kernel prints', () => {
    const snapshots = S03.snapshots.map((snapshot, at) => {
      if (at !== 1) return snapshot;
      const files = new Map(snapshot.files);
      files.set('node2/meminfo', 'Node 2 MemTotal: many kB\n');
      return { ...snapshot, files };
    });
    expect(() => conformCapture({ ...S03, snapshots }, scenarioOf(S03), modelOf(S03))).toThrow(
      /^snapshot 01-shared-policy-survives: node2\/meminfo: node meminfo line 1: .*many kB/,
    );
  });
});

describe('a step that the model cannot run', () => {
  const canRun = ({ verb }: Step): boolean => verb !== 'punch';
  const upToThere = (change: (run: ModelRun) => void): CaptureResult =>
    conformCapture(
      S03,
      scenarioOf(S03),
      (scenario) => {
        expect(scenario.steps.every((step) => canRun(step))).toBe(true);
        const run = modelOf(S03)(scenario);
        change(run);
        return run;
      },
      canRun,
    );

  it('leaves no verdict, but what was compared up to there', () => {
    const result = upToThere(() => {});
    expect(result).toMatchObject({
      verdict: 'not judged',
      reason: 'compared up to line 12: the model cannot run "memfd punch m1 0 64M"',
      steps: { recorded: 46, matching: 10 },
    });
    expect(result.classes.map(({ fieldClass }) => fieldClass)).toContain('numa_maps');
  });

  it('is still off when a field before it is off', () => {
    const result = upToThere(({ steps }) => {
      steps[0]!.ret = 9;
    });
    expect(result).toMatchObject({ verdict: 'off', reason: null, steps: { matching: 0 } });
  });
});
