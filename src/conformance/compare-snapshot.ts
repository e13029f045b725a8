import { parseMeminfo } from '../procfs/meminfo.ts';
import { parseSmaps } from '../procfs/smaps.ts';
import type { AskedOfMemory } from './asked-of-memory.ts';
import { processDir, workersIn, type SnapshotFiles } from './capture.ts';
import { compareCgroups } from './compare-cgroups.ts';
import { compareMappings, type ProcessComparison } from './compare-mappings.ts';
import { compareOutcomes } from './compare-outcomes.ts';
import { compareNumastat } from './compare-numastat.ts';
import { compareSystem, type Moment } from './compare-system.ts';
import { compareTotals, type OwnHistory } from './compare-totals.ts';
import { hull, type Interval, point } from './interval.ts';
import { type Leftovers, pagesMoved } from './leftovers.ts';
import { isMappedByStep } from './mapped-ranges.ts';
import type { NoiseContext } from './noise.ts';
import { collapsedPages } from './khugepaged-noise.ts';
import { pressureOf } from './pressure-noise.ts';
import { ownStatus } from './own-memory.ts';
import { readProcess, type ProcessReading } from './process-reading.ts';
import { NOT_BY_CHANCE, type ReferencedConditions } from './referenced-noise.ts';
import type { Tally } from './tally.ts';
import { waitingPages } from './waiting-pages.ts';
import { PAGE_SIZE } from '../units/pages.ts';

/** Both sides at one snapshot. */
export interface Moments {
  kernel: Moment;
  model: Moment;
  /** What the own mappings of each worker have measured so far: added to by the comparison. */
  history: Map<string, { kernel: OwnHistory; model: OwnHistory }>;
}

/** One snapshot, the one before, and what happened in between. */
export interface SnapshotComparison {
  label: string;
  step: number;
  /** The kernel's files at the first snapshot. */
  first: SnapshotFiles;
  now: Moments;
  before: Moments | null;
  /** The kernel's files at the snapshot before that one. */
  earlier: SnapshotFiles | null;
  /** The files at the snapshot after it, or these: tools that a snapshot starts read later than its files. */
  later: { kernel: SnapshotFiles; model: SnapshotFiles };
  cpus: number;
  nodes: number;
  interleaves: boolean;
  movesProcesses: boolean;
  /** A step since the snapshot before had a cpuset move a process's pages. */
  movesByCpuset: boolean;
  referencedConditions: ReferencedConditions;
  /** oom_score is taken from the exact sum of the RSS counters. */
  scoresExactly: boolean;
  /** What the steps since the snapshot before asked, and what such steps may have set apart by now. */
  asked: AskedOfMemory;
  leftovers: Leftovers;
  /** A step since the snapshot before set a memory.max. */
  setsMax: boolean;
}

/** Compares everything of one snapshot. */
export function compareSnapshot(tally: Tally, comparison: SnapshotComparison): void {
  const { label, step, now, before, cpus, nodes, interleaves, movesProcesses, leftovers } = comparison;
  const goTo = (where: string): void => tally.at({ step, snapshot: label, where });
  const context: NoiseContext = {
    cpus,
    nodes,
    nid: null,
    interleaves,
    movesProcesses,
    workerChanges: before ? changes(living(before.kernel.files), living(now.kernel.files)) : 0,
    ...ownChanges(before?.kernel ?? null, now.kernel),
    slabPages: Math.max(
      0,
      ...[before ?? now, now].map(({ kernel }) => slabPages(kernel.files) - slabPages(comparison.first)),
    ),
    movedByCpuset:
      comparison.movesByCpuset && before
        ? (pagesMoved(now.kernel.files) ?? 0) - (pagesMoved(before.kernel.files) ?? 0)
        : 0,
    referenced: NOT_BY_CHANCE,
    scoreSpan: 0,
    waitingPages: waitingPages(now.kernel.files) + (before ? waitingPages(before.kernel.files) : 0),
    hasTinySlab: hasTinySlab(now.kernel.files),
    lostBuffers: before ? Math.max(0, buffers(before.kernel.files) - buffers(now.kernel.files)) : 0,
    otherKernelPages: 0,
    knowsPageLists: now.kernel.files.has('sys/zoneinfo'),
    leftovers,
    pressure: pressureOf(
      comparison.first,
      comparison.earlier,
      before?.kernel.files ?? null,
      now.kernel.files,
      comparison.setsMax,
    ),
    collapsed: Math.max(0, collapsedPages(comparison.later.kernel) - collapsedPages(comparison.later.model)),
    workers: workersIn(now.kernel.files).length,
  };
  for (const worker of workersIn(now.kernel.files)) compareProcess(tally, comparison, worker, context, goTo);
  for (const worker of workersIn(now.model.files)) {
    if (isAlive(now.model.files, worker) && !isAlive(now.kernel.files, worker)) {
      goTo(`${processDir(worker)}/status`);
      tally.text({ fieldClass: 'status', field: 'process', kernel: null, model: `${worker} is alive` });
    }
  }
  // The system's numbers at the first snapshot are what boot left; only what moved since is the scenario's.
  const sides = (side: 'kernel' | 'model'): { now: Moment; before: Moment } => ({
    now: now[side],
    before: before?.[side] ?? { files: new Map(), mappings: new Map() },
  });
  if (before) compareSystem(tally, sides('kernel'), sides('model'), context, goTo);
  if (before) {
    const files = (side: 'kernel' | 'model'): { before: SnapshotFiles; now: SnapshotFiles } => ({
      before: before[side].files,
      now: now[side].files,
    });
    goTo('sys/buddyinfo, sys/vmstat, node*/meminfo');
    compareOutcomes(tally, {
      asked: comparison.asked,
      kernel: files('kernel'),
      model: files('model'),
      first: comparison.first,
    });
  }
  compareCgroups(tally, sides('kernel'), sides('model'), before !== null, context, goTo);
  compareNumastat(tally, now.kernel, now.model.files, context, goTo);
}

const changes = (before: readonly string[], now: readonly string[]): number =>
  before.filter((name) => !now.includes(name)).length + now.filter((name) => !before.includes(name)).length;

/** Workers that still have memory; others are only waiting to be reaped. */
const living = (files: SnapshotFiles): string[] =>
  workersIn(files).filter((worker) => isAlive(files, worker));

const isAlive = (files: SnapshotFiles, worker: string): boolean =>
  readProcess(files, worker, undefined) !== null;

/**
 * What happened to the memory of the worker program itself between two snapshots. Groups are compared from zero at the first one, so
 * all anonymous memory is new there.
 */
function ownChanges(before: Moment | null, now: Moment): { ownAnonPages: number; ownFilePages: number } {
  const past = before ? ownPages(before) : new Map<string, OwnPages>();
  const present = ownPages(now);
  const sum = (pages: Iterable<OwnPages>): number => [...pages].reduce((total, { anon }) => total + anon, 0);
  const run = (of: Map<string, OwnPages>): number =>
    [...of.values()].reduce((total, pages) => total + pages.run, 0);
  const cameOrWent = [
    ...[...past].filter(([worker]) => !present.has(worker)),
    ...[...present].filter(([worker]) => !past.has(worker)),
  ];
  return {
    ownAnonPages: Math.abs(sum(present.values()) - sum(past.values())),
    ownFilePages: before
      ? cameOrWent.reduce((total, [, { file }]) => total + file, 0) + Math.abs(run(past) - run(present))
      : 0,
  };
}

interface OwnPages {
  anon: number;
  file: number;
  /** Pages of vCPU run areas, which are among the file pages. */
  run: number;
}

function ownPages({ files, mappings }: Moment): Map<string, OwnPages> {
  return new Map(
    living(files).map((worker) => {
      const own = parseSmaps(files.get(`${processDir(worker)}/smaps`) ?? '').filter(
        (vma) => !isMappedByStep(mappings.get(worker), vma),
      );
      const pages = { anon: 0, file: 0, run: 0 };
      for (const { name, smaps } of own) {
        pages.anon += smaps.anonymous / PAGE_SIZE;
        pages.file += (smaps.rss - smaps.anonymous) / PAGE_SIZE;
        if (name.startsWith('anon_inode:kvm-vcpu')) pages.run += smaps.rss / PAGE_SIZE;
      }
      return [worker, pages];
    }),
  );
}

function hasTinySlab(files: SnapshotFiles): boolean {
  return parseMeminfo(files.get('sys/meminfo') ?? '').get('SReclaimable') === 0;
}

/** Pages of block devices. */
const buffers = (files: SnapshotFiles): number =>
  (parseMeminfo(files.get('sys/meminfo') ?? '').get('Buffers') ?? 0) / 4;

/** totalram_pages and swap. */
function totalPages(files: SnapshotFiles): number {
  const meminfo = parseMeminfo(files.get('sys/meminfo') ?? '');
  return ((meminfo.get('MemTotal') ?? 0) + (meminfo.get('SwapTotal') ?? 0)) / 4;
}

function slabPages(files: SnapshotFiles): number {
  return (parseMeminfo(files.get('sys/meminfo') ?? '').get('Slab') ?? 0) / 4;
}

function compareProcess(
  tally: Tally,
  { now, referencedConditions, scoresExactly, cpus }: SnapshotComparison,
  worker: string,
  context: NoiseContext,
  goTo: (where: string) => void,
): void {
  const mappings = now.kernel.mappings.get(worker);
  const kernel = readProcess(now.kernel.files, worker, mappings);
  if (!kernel) return;
  const model = readProcess(now.model.files, worker, mappings);
  const file = (name: string): string => `${processDir(worker)}/${name}`;
  if (!model) {
    goTo(file('status'));
    tally.text({ fieldClass: 'status', field: 'process', kernel: `${worker} is alive`, model: null });
    return;
  }
  const comparison: ProcessComparison = {
    kernel,
    model,
    goTo: (name) => goTo(file(name)),
    context,
    referencedConditions,
    hasSoftDirty: [...kernel.vmas, ...kernel.ownVmas].some((vma) => vma.vmFlags.includes('sd')),
  };
  compareMappings(tally, comparison);
  const history = extend(now.history.get(worker), kernel, model, mappings?.hadRunArea ?? false);
  now.history.set(worker, history);
  compareTotals(tally, {
    ...comparison,
    kernelHistory: history.kernel,
    modelHistory: history.model,
    scoreScale: { totalPages: totalPages(now.kernel.files), cpus, isExact: scoresExactly },
    reservedKb: mappings ? (mappings.reservedPeakBytes - mappings.peakBytes) / 1024 : 0,
  });
}

function extend(
  before: { kernel: OwnHistory; model: OwnHistory } | undefined,
  kernel: ProcessReading,
  model: ProcessReading,
  hadRunArea: boolean,
): { kernel: OwnHistory; model: OwnHistory } {
  const add = (past: OwnHistory | undefined, { ownVmas }: ProcessReading): OwnHistory => {
    const { VmSize, VmRSS } = ownStatus(ownVmas);
    const size = hadRunArea ? withAndWithoutRunArea(ownVmas, VmSize) : point(VmSize);
    return {
      sizeKb: hull(past?.sizeKb ?? size, size),
      rssKb: hull(past?.rssKb ?? point(VmRSS), point(VmRSS)),
    };
  };
  return { kernel: add(before?.kernel, kernel), model: add(before?.model, model) };
}

/** What KVM_GET_VCPU_MMAP_SIZE says on x86: the run page, one for port I/O, one for coalesced MMIO. */
const RUN_AREA_KB = 12;

/** A high-water mark may be from before the run area of a vCPU came, or from after. */
function withAndWithoutRunArea(ownVmas: ProcessReading['ownVmas'], sizeKb: number): Interval {
  const has = ownVmas.some(({ name }) => name.startsWith('anon_inode:kvm-vcpu'));
  const without = sizeKb - (has ? RUN_AREA_KB : 0);
  return { low: without, high: without + RUN_AREA_KB };
}
