import type { Step } from '../scenario/types.ts';
import { CaptureError, type RecordedStep } from './capture.ts';
import { recordedAddress } from './recorded-steps.ts';

/** A range of addresses that a step mapped: bytes, `end` excluded. */
export interface MappedRange {
  start: number;
  end: number;
}

/** What the steps mapped in one worker, as the recorded addresses tell. */
export interface WorkerMappings {
  ranges: MappedRange[];
  /** Highest sum of the ranges so far. */
  peakBytes: number;
  /** The same with what the capture's program reserves for a moment to map at a multiple of 2 MiB. */
  reservedPeakBytes: number;
  /** The program has, or had, the run area of a vCPU mapped: a mapping of its own that comes and goes with steps. */
  hadRunArea: boolean;
}

interface ObjectState {
  bytes: number;
  hugetlb: boolean;
  start: number;
  mappedBytes: number;
}

interface WorkerState {
  objects: Map<string, ObjectState>;
  mappings: WorkerMappings;
}

/** The program reserves the length and this much more, maps inside, and gives the rest back. */
const RESERVE_BYTES = 4 * 1024 * 1024;
/** A page that a started worker gives back at once, which its high-water mark still shows. */
const START_BYTES = 4096;
const HUGE_PAGE = 2 * 1024 * 1024;

/** Who a step runs in when it names nobody. */
export const DEFAULT_WORKER = 'w0';

/**
 * Follows the recorded results of a script and tells, after the given number of steps, which address ranges the steps
 * have mapped in each worker. Every other mapping there is the worker program's own.
 */
export function mappingsAfter(
  steps: readonly Step[],
  recorded: readonly RecordedStep[],
  count: number,
): Map<string, WorkerMappings> {
  const workers = new Map<string, WorkerState>();
  steps.slice(0, count).forEach((step, at) => apply(workers, step, recorded[at]!));
  return new Map([...workers].map(([name, { mappings }]) => [name, mappings]));
}

function started(): WorkerState {
  return {
    objects: new Map(),
    mappings: { ranges: [], peakBytes: 0, reservedPeakBytes: START_BYTES, hadRunArea: false },
  };
}

function apply(workers: Map<string, WorkerState>, step: Step, recorded: RecordedStep): void {
  if (step.verb === 'spawn') {
    if (recorded.ret >= 0) workers.set(step.args.worker, started());
    return;
  }
  const name = step.who ?? DEFAULT_WORKER;
  let worker = workers.get(name);
  if (!worker) workers.set(name, (worker = started()));
  const isDone = recorded.ret >= 0;
  switch (step.verb) {
    case 'fork':
      if (isDone) workers.set(step.args.worker, forked(worker));
      return;
    case 'gmem create':
    case 'memfd create':
    case 'file create': {
      const hugetlb = step.verb === 'memfd create' && step.args.hugetlb;
      if (isDone) {
        worker.objects.set(step.args.name, { bytes: step.args.bytes, hugetlb, start: 0, mappedBytes: 0 });
      }
      return;
    }
    case 'anon map': {
      const { name: object, bytes, hugetlb } = step.args;
      worker.objects.set(object, { bytes, hugetlb, start: 0, mappedBytes: 0 });
      map(worker, object, bytes, recorded);
      return;
    }
    case 'map': {
      const { name: object, offset, bytes } = step.args;
      map(worker, object, bytes ?? (worker.objects.get(object)?.bytes ?? 0) - (offset ?? 0), recorded);
      return;
    }
    case 'unmap': {
      const object = worker.objects.get(step.args.name);
      if (!isDone || !object) return;
      const { range } = step.args;
      const start = object.start + (range?.offset ?? 0);
      unmap(worker.mappings, { start, end: start + roundUp(range?.bytes ?? object.mappedBytes, 4096) });
      return;
    }
    case 'vm touch':
    case 'vm ttouch':
    case 'vm vcpu':
      worker.mappings.hadRunArea = true;
      return;
    default:
  }
}

const roundUp = (bytes: number, unit: number): number => Math.ceil(bytes / unit) * unit;

/** A child has its parent's mappings; its high-water mark begins with them. */
function forked({ objects, mappings }: WorkerState): WorkerState {
  const bytes = sizeOf(mappings);
  return {
    objects: new Map([...objects].map(([name, object]) => [name, { ...object }])),
    mappings: {
      ranges: mappings.ranges.map((range) => ({ ...range })),
      peakBytes: bytes,
      reservedPeakBytes: bytes,
      hadRunArea: mappings.hadRunArea,
    },
  };
}

const sizeOf = ({ ranges }: WorkerMappings): number =>
  ranges.reduce((sum, { start, end }) => sum + end - start, 0);

function map({ objects, mappings }: WorkerState, name: string, bytes: number, recorded: RecordedStep): void {
  const object = objects.get(name);
  if (!object) return;
  const size = roundUp(bytes, object.hugetlb ? HUGE_PAGE : 4096);
  const before = sizeOf(mappings);
  // The reservation itself is what runs into a limit when memory is refused.
  if (!object.hugetlb && recorded.errno !== 'ENOMEM') {
    mappings.reservedPeakBytes = Math.max(mappings.reservedPeakBytes, before + size + RESERVE_BYTES);
  }
  if (recorded.ret < 0) return;
  const start = recordedAddress(recorded);
  if (start === null) {
    throw new CaptureError(
      'steps.jsonl',
      `step ${recorded.n}`,
      `"${recorded.step}" has no addr= in its message`,
    );
  }
  object.start = start;
  object.mappedBytes = size;
  unmap(mappings, { start, end: start + size });
  mappings.ranges.push({ start, end: start + size });
  mappings.peakBytes = Math.max(mappings.peakBytes, sizeOf(mappings));
  mappings.reservedPeakBytes = Math.max(mappings.reservedPeakBytes, mappings.peakBytes);
}

/** Takes a range out of those that are mapped. */
function unmap(mappings: WorkerMappings, hole: MappedRange): void {
  mappings.ranges = mappings.ranges.flatMap((range) =>
    [
      { start: range.start, end: Math.min(range.end, hole.start) },
      { start: Math.max(range.start, hole.end), end: range.end },
    ].filter(({ start, end }) => start < end),
  );
}

/** Whether a mapping lies in a range that a step mapped. */
export function isMappedByStep(
  mappings: Pick<WorkerMappings, 'ranges'> | undefined,
  { start, end }: MappedRange,
): boolean {
  return mappings?.ranges.some((range) => start < range.end && range.start < end) ?? false;
}
