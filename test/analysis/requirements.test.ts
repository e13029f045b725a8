import { describe, expect, it } from 'vitest';
import { INTERFACES } from '../../src/analysis/interfaces.ts';
import { verdictOver, type Observation } from '../../src/analysis/judge.ts';
import { REQUIREMENTS } from '../../src/analysis/requirements.ts';
import { THREADS } from '../../src/analysis/threads.ts';
import type { ProcessFacts } from '../../src/procfs/facts.ts';
import type { Holding, MoverRecord, Snapshot, StrategyRun } from '../../src/result/types.ts';
import { sampleProcess, sampleVma } from '../procfs/sample-facts.ts';
import { sampleHolding, sampleMover, sampleRun, sampleTruth, sampleWorld, trackedFd } from './fixture.ts';
import { judged, sampleStep, verdicts } from './played.ts';

const AT = { step: 7, line: 17, snapshot: 'booted' };

interface Guest {
  process?: Partial<ProcessFacts>;
  gmem?: Partial<Holding>;
  label?: string;
  step?: number;
}

/** vmm with 100 pages of private memory on node 0 and 300 on node 1, and nothing else. */
function guest({ process = {}, gmem = {}, label = 'booted', step = 7 }: Guest = {}): Snapshot {
  const world = sampleWorld();
  const holding = sampleHolding({
    nodePages: [100, 300],
    chargedPages: { '/a': 400 },
    ...gmem,
  });
  const privateNodePages = holding.nodePages;
  const empty = { rssAnonPages: 0, rssFilePages: 0, rssShmemPages: 0, vmas: [], fds: [], ...process };
  world.facts.processes = [sampleProcess(empty)];
  world.truth.holdings = [holding];
  world.truth.processes = [sampleTruth({ privateNodePages, nodePages: privateNodePages })];
  return { ...world, label, step };
}

const run = (snapshots: Snapshot[], change: Partial<StrategyRun> = {}): StrategyRun =>
  sampleRun({
    snapshots,
    steps: [
      sampleStep(1, 'vmm: gmem create private 2M'),
      ...snapshots.map(({ step, label }) => sampleStep(step, `snapshot ${label}`)),
    ],
    ...change,
  });

/** A mapping of private memory with pages on both nodes, as smaps and numa_maps print it. */
const mapping = (nodes: number[]): ProcessFacts['vmas'][number] => {
  const pages = nodes.reduce((sum, n) => sum + n, 0);
  const vma = sampleVma({ name: 'anon_inode:[kvm-gmem]', hasFile: true });
  return { ...vma, smaps: { ...vma.smaps, rss: pages * 4096 }, numa: { ...vma.numa, pages, nodes } };
};
const shown = { rssFilePages: 400, vmas: [mapping([100, 300])] };
const tracked = { fds: [trackedFd({ gmem_node0: '400 kB', gmem_node1: '1200 kB' })] };

describe('a verdict', () => {
  const seen = (mark: Observation['mark'], step: number, gap = 0): Observation => ({
    mark,
    gap,
    figure: { value: step, of: null, unit: 'count', words: 'things' },
    evidence: { step, line: step, snapshot: null },
  });

  it.each<[string, Observation[], string, number | undefined]>([
    ['nothing', [], 'not tried', undefined],
    ['only good', [seen('yes', 1), seen('yes', 2)], 'met', 2],
    ['only bad, the worst of which is shown', [seen('no', 1, 9), seen('no', 2, 5)], 'not met', 1],
    ['good and bad', [seen('yes', 1), seen('no', 2), seen('yes', 3)], 'partly', 2],
    ['half good', [seen('partly', 1), seen('yes', 2)], 'partly', 1],
    ['half good and bad', [seen('no', 1), seen('partly', 2)], 'partly', 1],
    ['equals, the last of which is shown', [seen('no', 1), seen('no', 2)], 'not met', 2],
  ])('over %s', (_, observations, verdict, step) => {
    const judgement = verdictOver(observations);
    expect(judgement.verdict).toBe(verdict);
    expect(judgement.evidence?.step).toBe(step);
    expect(judgement.figure?.value).toBe(step);
  });
});

describe('the requirements', () => {
  it('come from discussions that can be found, in words of their own', () => {
    expect(new Set(REQUIREMENTS.map(({ id }) => id)).size).toBe(9);
    for (const { threads, demand } of REQUIREMENTS) {
      expect(threads.length).toBeGreaterThan(0);
      expect(demand).toMatch(/^[A-Z].*\.$/);
      for (const thread of threads) expect(THREADS[thread].where).toMatch(/[./]|issue \d+/);
    }
    expect(INTERFACES.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['rss', 'smaps-rss', 'numa_maps', 'tracker']),
    );
  });

  it('are not tried where there is no private memory', () => {
    const empty = guest({ gmem: { nodePages: [0, 0], chargedPages: {} } });
    expect(new Set(Object.values(verdicts(run([empty]))))).toEqual(new Set(['not tried']));
    expect(new Set(Object.values(verdicts(sampleRun({ snapshots: [] }))))).toEqual(new Set(['not tried']));
  });
});

describe('visible per process', () => {
  it.each<[string, Guest, string, string]>([
    ['VmRSS and smaps', { process: shown }, 'met', 'in VmRSS of vmm'],
    ['VmRSS alone', { process: { rssFilePages: 400 } }, 'partly', 'in smaps of vmm, though VmRSS has it'],
    ['smaps alone', { process: { vmas: shown.vmas } }, 'partly', 'in VmRSS of vmm'],
    ['too much', { process: { rssFilePages: 800, vmas: shown.vmas } }, 'partly', 'in VmRSS of vmm'],
    ['fdinfo alone', { process: tracked }, 'partly', 'in fdinfo of vmm alone'],
    ['part of it', { process: { rssFilePages: 200 } }, 'not met', 'in VmRSS of vmm'],
    ['nothing', {}, 'not met', 'in VmRSS of vmm'],
  ])('%s shows it', (_, config, verdict, words) => {
    expect(judged(run([guest(config)]), 'visible-per-process')).toMatchObject({
      verdict,
      figure: { words, unit: 'kB' },
      evidence: AT,
    });
  });

  it('is partly when it is so at some snapshots, and shows the worst', () => {
    const late = guest({ process: {}, label: 'late', step: 9 });
    expect(judged(run([guest({ process: shown }), late]), 'visible-per-process')).toEqual({
      verdict: 'partly',
      figure: { value: 0, of: 1600, unit: 'kB', words: 'in VmRSS of vmm' },
      evidence: { step: 9, line: 19, snapshot: 'late' },
    });
  });
});

describe('visible per node', () => {
  it.each<[string, Guest, string, number]>([
    ['numa_maps with the right nodes', { process: shown }, 'met', 1600],
    ['numa_maps with the nodes mixed up', { process: { vmas: [mapping([300, 100])] } }, 'not met', 800],
    ['fdinfo by node', { process: tracked }, 'partly', 1600],
    ['VmRSS alone', { process: { rssFilePages: 400 } }, 'not met', 0],
  ])('%s', (_, config, verdict, value) => {
    expect(judged(run([guest(config)]), 'visible-per-node')).toMatchObject({
      verdict,
      figure: { value, of: 1600 },
    });
  });
});

describe('charged to the right memcg', () => {
  it.each<[string, Record<string, number>, string, number]>([
    ['its own', { '/a': 400 }, 'met', 1600],
    ['a group below it', { '/a/vcpus': 400 }, 'met', 1600],
    ['another', { '/b': 400 }, 'not met', 0],
    ['both', { '/a': 250, '/b': 150 }, 'partly', 1000],
    ['one that is no more', { '/a (deleted)': 400 }, 'not met', 0],
  ])('%s pays', (_, chargedPages, verdict, value) => {
    expect(judged(run([guest({ gmem: { chargedPages } })]), 'right-memcg')).toMatchObject({
      verdict,
      figure: { value, of: 1600 },
    });
  });

  it('is not tried at the root, to which everything belongs', () => {
    const world = guest();
    world.truth.processes[0]!.cgroup = '/';
    expect(judged(run([world]), 'right-memcg').verdict).toBe('not tried');
  });
});

describe('no double count during conversion', () => {
  const converting = (config: Guest, text: string, ret = 0): StrategyRun =>
    run([guest({ ...config, label: 'after', step: 9 })], {
      steps: [sampleStep(8, text, { ret }), sampleStep(9, 'snapshot after')],
    });
  const both = { rssFilePages: 400, ...tracked };

  it.each<[string, StrategyRun, string]>([
    ['no conversion', converting({}, 'vmm: vm attr 0 1G private'), 'not tried'],
    ['a conversion that failed', converting({}, 'vmm: vm convert 0 1G shared', -1), 'not tried'],
    ['pages counted once', converting({ process: shown }, 'vmm: vm convert 0 1G shared'), 'met'],
    ['pages not counted at all', converting({}, 'vmm: vm attr 0 1G shared'), 'met'],
    [
      'VmRSS too high',
      converting({ process: { rssFilePages: 500 } }, 'vmm: vm convert 0 1G private'),
      'not met',
    ],
    [
      'VmRSS and fdinfo have the same page',
      converting({ process: both }, 'vmm: vm convert 0 1G private'),
      'not met',
    ],
  ])('%s', (_, played, verdict) => {
    expect(judged(played, 'no-double-count').verdict).toBe(verdict);
  });

  it('says how much too much', () => {
    const played = converting({ process: { rssFilePages: 500 } }, 'vmm: vm convert 0 1G shared');
    expect(judged(played, 'no-double-count')).toEqual({
      verdict: 'not met',
      figure: { value: 400, of: 1600, unit: 'kB', words: 'shown too much for vmm' },
      evidence: { step: 9, line: 19, snapshot: 'after' },
    });
  });
});

describe('correct after fd passing and VM exit', () => {
  const handed = (config: Guest, change: Partial<StrategyRun> = {}, text = 'vmm: fork child'): StrategyRun =>
    run([guest({ ...config, label: 'after', step: 9 })], {
      steps: [
        sampleStep(1, 'vmm: gmem create private 2M'),
        sampleStep(8, text),
        sampleStep(9, 'snapshot after'),
      ],
      ...change,
    });
  const broken = {
    findings: [{ kind: 'law', id: 'rss-balanced-at-exit', message: 'Bad rss-counter', step: 8, line: 18 }],
  } as const;
  const none = { gmem: { nodePages: [0, 0], chargedPages: {} } };

  it.each<[string, StrategyRun, string]>([
    ['nobody ended and nothing was passed', handed({}, {}, 'vmm: vm touch 0 2M'), 'not tried'],
    ['what is left is shown', handed({ process: shown }), 'met'],
    ['what is left is not shown', handed({}), 'partly'],
    ['nothing is left', handed(none, {}, 'vmm: exit'), 'met'],
    ['more is shown than is left', handed({ process: { rssFilePages: 800 } }), 'not met'],
    [
      'a counter broke, and all is shown',
      handed({ process: shown }, { findings: [...broken.findings] }),
      'not met',
    ],
    [
      'a counter broke, and no snapshot came after',
      handed({}, { snapshots: [], findings: [...broken.findings] }),
      'not met',
    ],
    ['the books are in order, and no snapshot came after', handed({}, { snapshots: [] }), 'met'],
  ])('%s', (_, played, verdict) => {
    expect(judged(played, 'after-handover').verdict).toBe(verdict);
  });

  it('takes no blame for what broke before', () => {
    const findings = [{ ...broken.findings[0], step: 2 }];
    expect(judged(handed({ process: shown }, { findings }), 'after-handover').verdict).toBe('met');
  });

  it('counts a worker that the step killed', () => {
    const died = handed({ process: shown });
    died.steps[1] = sampleStep(8, 'vmm: vm touch 0 2M', { ret: -1, errno: 'ECONNRESET' });
    expect(judged(died, 'after-handover').verdict).toBe('met');
  });
});

describe('placement per backend', () => {
  const placed = (offPolicyPages: number | null, steps: StrategyRun['steps'] = []): StrategyRun =>
    run([guest({ gmem: { offPolicyPages } })], { steps: [...steps, sampleStep(7, 'snapshot booted')] });

  it.each<[number | null, string]>([
    [null, 'not tried'],
    [0, 'met'],
    [4, 'met'],
    [100, 'partly'],
    [400, 'not met'],
  ])('%s of 400 pages off policy', (offPolicyPages, verdict) => {
    expect(judged(placed(offPolicyPages), 'placement-per-backend').verdict).toBe(verdict);
  });

  it('points at the wish that was refused', () => {
    const refused = sampleStep(3, 'vmm: gmem policy private 0 2M bind 0', { ret: -1, errno: 'ENODEV' });
    expect(judged(placed(400, [refused]), 'placement-per-backend')).toEqual({
      verdict: 'not met',
      figure: { value: 0, of: 1600, unit: 'kB', words: 'on the wished nodes; the wish got ENODEV' },
      evidence: { step: 3, line: 13, snapshot: 'booted' },
    });
  });
});

describe('movable', () => {
  const steps = [
    sampleStep(4, 'migratepages vmm 0 1'),
    sampleStep(5, 'compact'),
    sampleStep(7, 'snapshot booted'),
  ];
  const moved = (movers: StrategyRun['movers'], change: Partial<StrategyRun> = {}): StrategyRun =>
    run([guest()], { steps, movers, ...change });
  const compacted = (pages: Parameters<typeof sampleMover>[2]): MoverRecord =>
    sampleMover(5, 'compaction', pages);
  const unseen = sampleMover(4, 'migratepages', {}, { askedPages: 400 });
  const stale = {
    kind: 'hazard',
    id: 'stale-tdp-entry',
    message: 'vmm goes on using a freed frame',
    step: 5,
    line: 15,
  } as const;

  it.each<[string, StrategyRun, string]>([
    ['nobody tried', moved(undefined), 'not tried'],
    ['a mover that had none to move', moved([sampleMover(5, 'compaction', {})]), 'not tried'],
    ['passed over', moved([compacted({ passed: 400 })]), 'not met'],
    ['refused', moved([compacted({ failed: 400, errno: 'EOPNOTSUPP' })]), 'not met'],
    ['not found', moved([unseen]), 'not met'],
    ['some pages', moved([compacted({ moved: 300, failed: 100, errno: 'EIO' })]), 'partly'],
    ['one mover can, another can not', moved([unseen, compacted({ moved: 400 })]), 'partly'],
    ['all pages', moved([compacted({ moved: 400 })]), 'met'],
    ['all pages, with harm', moved([compacted({ moved: 400 })], { findings: [stale] }), 'not met'],
  ])('%s', (_, played, verdict) => {
    expect(judged(played, 'movable').verdict).toBe(verdict);
  });

  it('points at the mover that did worst, and says why', () => {
    expect(judged(moved([unseen, compacted({ moved: 400 })]), 'movable')).toEqual({
      verdict: 'partly',
      figure: { value: 0, of: 1600, unit: 'kB', words: 'moved by migratepages, not found by it' },
      evidence: { step: 4, line: 14, snapshot: null },
    });
  });

  it('points at the step that did harm', () => {
    expect(judged(moved([compacted({ moved: 400 })], { findings: [stale] }), 'movable')).toMatchObject({
      figure: { words: 'hazard: vmm goes on using a freed frame' },
      evidence: { step: 5, line: 15, snapshot: null },
    });
  });
});

describe('no VMA needed', () => {
  it.each<[string, Snapshot[], string]>([
    ['none', [guest()], 'met'],
    ['one', [guest({ process: shown })], 'not met'],
    ['one for a while', [guest({ process: shown }), guest({ label: 'late', step: 9 })], 'partly'],
  ])('%s', (_, snapshots, verdict) => {
    expect(judged(run(snapshots), 'no-vma').verdict).toBe(verdict);
  });
});

describe('cost per fault', () => {
  const costs = (counts: Record<string, number>, config: Guest = {}): StrategyRun =>
    run([guest(config)], { counts });

  it.each<[string, StrategyRun, string, number]>([
    ['what every design pays', costs({ 'page cache insert': 400, KVM_EXIT_HYPERCALL: 9 }), 'met', 0],
    ['a call or two', costs({ 'shared policy update': 2 }), 'met', 0.005],
    ['a counter per page', costs({ 'RSS counter update': 400 }), 'partly', 1],
    ['a host page-table entry per page', costs({ 'host page-table entry installed': 400 }), 'partly', 1],
    ['more than in and out', costs({ 'RSS counter update': 900 }), 'not met', 2.25],
    ['a lock for writing per page', costs({ 'mmap_lock for write': 400 }), 'not met', 1],
  ])('%s', (_, played, verdict, value) => {
    expect(judged(played, 'cost-per-fault')).toMatchObject({ verdict, figure: { value }, evidence: AT });
  });
});
