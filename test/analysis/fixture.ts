import type {
  Holding,
  MoverName,
  MoverRecord,
  ProcessTruth,
  RunResult,
  Snapshot,
  StrategyRun,
} from '../../src/result/types.ts';
import type { Errno } from '../../src/units/errno.ts';
import type { FdFacts, SnapshotFacts } from '../../src/procfs/facts.ts';
import { sampleCgroup, sampleNode, sampleProcess, sampleSnapshot } from '../procfs/sample-facts.ts';

const PAGE = 4096;

export function sampleHolding(change: Partial<Holding>): Holding {
  return {
    object: 'private',
    kind: 'gmem',
    user: 'vmm',
    vm: null,
    nodePages: [],
    guestMappedPages: 0,
    chargedPages: {},
    allocatedPages: {},
    offPolicyPages: null,
    ...change,
  };
}

/** What a mover did to one file, at line 10 below its step. */
export function sampleMover(
  step: number,
  mover: MoverName,
  {
    moved = 0,
    failed = 0,
    passed = 0,
    errno = '',
  }: { moved?: number; failed?: number; passed?: number; errno?: Errno | '' },
  change: Partial<MoverRecord> = {},
): MoverRecord {
  const file = {
    object: 'private',
    reason: 'compaction',
    movedPages: moved,
    failedPages: failed,
    passedPages: passed,
    errnos: errno === '' ? [] : [errno],
  } as const;
  return {
    step,
    line: step + 10,
    mover,
    askedPages: null,
    lostPages: 0,
    files: moved + failed + passed > 0 ? [{ ...file, errnos: [...file.errnos] }] : [],
    gainedHugeBlocks: [0, 0],
    offlinedBlocks: [0, 0],
    rehomedPages: 0,
    ...change,
  };
}

export function sampleTruth(change: Partial<ProcessTruth>): ProcessTruth {
  return { worker: 'vmm', pid: 4242, cgroup: '/a', privateNodePages: [], nodePages: [], ...change };
}

/** A guest_memfd's descriptor with what a tracker adds to its fdinfo. */
export function trackedFd(extra: Record<string, string>, change: Partial<FdFacts> = {}): FdFacts {
  return {
    fd: 9,
    link: 'anon_inode:[kvm-gmem]',
    flagsOctal: '02',
    mntId: 17,
    inode: 2061,
    extra: Object.entries(extra).map(([key, value]) => ({ key, value })),
    ...change,
  };
}

/**
 * Two nodes. vmm in /a has 8 pages of heap and a memfd of 38 that it maps (and 2 pages of library in its RSS), and a
 * guest_memfd of 400 pages of which a helper in /b allocated 150. Nobody uses the 1500 pages of background page cache.
 */
export function sampleWorld(change: Partial<SnapshotFacts> = {}): Snapshot {
  return {
    label: 'booted',
    step: 7,
    facts: sampleSnapshot({
      nodes: [
        sampleNode(0, { nr_file_pages: 1119, nr_unevictable: 100 }),
        sampleNode(1, { nr_file_pages: 819, nr_unevictable: 303 }),
      ],
      cgroups: [
        sampleCgroup('/', { stat: { anon: 15 * PAGE, file: 1938 * PAGE, kernel: 2 * PAGE }, numaStat: {} }),
        sampleCgroup('/a', {
          currentBytes: 300 * PAGE,
          maxBytes: 440 * PAGE,
          stat: { anon: 10 * PAGE, file: 288 * PAGE, kernel: 2 * PAGE + 592 },
          numaStat: { anon: [10 * PAGE, 0], file: [119 * PAGE, 169 * PAGE] },
        }),
        sampleCgroup('/b', {
          currentBytes: 155 * PAGE,
          stat: { anon: 5 * PAGE, file: 150 * PAGE },
          numaStat: { anon: [0, 5 * PAGE], file: [0, 150 * PAGE] },
        }),
      ],
      processes: [
        sampleProcess({ oomBadnessPages: 50, fds: [] }),
        sampleProcess({
          worker: 'helper',
          pid: 4250,
          cgroup: '/b',
          rssAnonPages: 5,
          rssFilePages: 0,
          rssShmemPages: 0,
          vmas: [],
          fds: [],
          oomBadnessPages: 60,
        }),
      ],
      ...change,
    }),
    truth: {
      holdings: [
        sampleHolding({
          object: 'anon of vmm',
          kind: 'anon',
          nodePages: [10, 0],
          chargedPages: { '/a': 10 },
        }),
        sampleHolding({ object: 'ram', kind: 'memfd', nodePages: [19, 19], chargedPages: { '/a': 38 } }),
        sampleHolding({
          nodePages: [100, 300],
          chargedPages: { '/a': 250, '/b': 150 },
          offPolicyPages: 100,
        }),
        sampleHolding({ object: 'tables', kind: 'kernel', nodePages: [2], chargedPages: { '/a': 2 } }),
        sampleHolding({
          object: 'anon of helper',
          kind: 'anon',
          user: 'helper',
          nodePages: [0, 5],
          unevictableNodePages: [0, 3],
          chargedPages: { '/b': 5 },
        }),
        sampleHolding({ object: 'background', kind: 'file', user: null, nodePages: [1000, 500] }),
      ],
      processes: [
        sampleTruth({ privateNodePages: [100, 300], nodePages: [131, 319] }),
        sampleTruth({ worker: 'helper', pid: 4250, cgroup: '/b', nodePages: [0, 5] }),
      ],
      nodes: [
        { nid: 0, freePages: 200_001, usedPages: 62_143 },
        { nid: 1, freePages: 200_001, usedPages: 62_143 },
      ],
    },
  };
}

export function sampleRun(change: Partial<StrategyRun> = {}): StrategyRun {
  return {
    name: 'page-cache',
    title: 'Status quo',
    parts: [],
    label: 'verified',
    error: null,
    steps: [],
    snapshots: [sampleWorld()],
    findings: [],
    expectations: [],
    counts: {},
    ledger: [],
    ...change,
  };
}

export function sampleResult(strategies: StrategyRun[] = [sampleRun()]): RunResult {
  return {
    $schema: 'result.schema.json',
    format: 1,
    tool: { name: 'gmemlab', version: '0.1.0' },
    scenario: {
      id: 'two-nodes',
      title: 'Two nodes',
      description: '',
      kernel: '6.12',
      seed: 1,
      steps: '',
      sources: [],
    },
    machine: {
      title: 'Two nodes of 1 GiB',
      nodes: [0, 1].map((nid) => ({
        nid,
        cpulist: '',
        memoryBytes: 2 ** 30,
        distances: nid === 0 ? [10, 20] : [20, 10],
      })),
    },
    strategies,
  };
}
