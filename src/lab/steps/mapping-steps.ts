import type { StepArgs } from '../../scenario/types.ts';
import { PAGE_SIZE, pagesFor } from '../../units/pages.ts';
import { failure, ok, usage, type LabOutcome, type LabRun } from '../lab-run.ts';
import type { LabObject, LabWorker } from '../lab-worker.ts';
import { CALL, policyWords } from '../system-calls.ts';
import type { WorkerSteps } from './step-handler.ts';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
/** MAP_HUGETLB with 2 MiB pages. */
const MAP_HUGETLB_2M = 0x40000 | (21 << 26);
const HUGE_PAGE = 2 ** 21;
const MCL_CURRENT = 1;
const MCL_FUTURE = 2;
const MPOL_MF_STRICT = 1;
const MPOL_MF_MOVE = 2;

const ADVICE: Readonly<Record<string, number>> = {
  dontneed: 4,
  free: 8,
  remove: 9,
  mergeable: 12,
  unmergeable: 13,
  hugepage: 14,
  nohugepage: 15,
  pageout: 21,
  populate_read: 22,
  populate_write: 23,
  collapse: 25,
};

/** Steps on address ranges. */
export const MAPPING_STEPS: WorkerSteps<
  | 'map'
  | 'anon map'
  | 'unmap'
  | 'mbind'
  | 'touch'
  | 'mlock'
  | 'munlock'
  | 'mlockall'
  | 'mremap'
  | 'madvise'
  | 'move_pages'
  | 'where'
> = {
  map: async (run, worker, args) => {
    const object = worker.objects.get(args.name);
    if (!object) return usage();
    const offset = args.offset ?? 0;
    return map(run, worker, object, {
      at: args.at,
      bytes: args.bytes ?? object.bytes - offset,
      offset,
      protection: args.readOnly ? PROT_READ : PROT_READ | PROT_WRITE,
      flags: args.shared ? MAP_SHARED : MAP_PRIVATE,
    });
  },
  'anon map': async (run, worker, { name, bytes, shared, hugetlb, noreserve, at }) => {
    const object = worker.add(name, 'anon', -1, bytes, hugetlb);
    const flags =
      MAP_ANONYMOUS |
      (shared ? MAP_SHARED : MAP_PRIVATE) |
      (noreserve ? MAP_NORESERVE : 0) |
      (hugetlb ? MAP_HUGETLB_2M : 0);
    return map(run, worker, object, { at, bytes, offset: 0, protection: PROT_READ | PROT_WRITE, flags });
  },
  unmap: async (run, worker, { name, range }) => {
    const object = worker.objects.get(name);
    if (!object) return usage();
    if (range) {
      return run.call(worker, CALL.munmap, (object.address ?? 0) + range.offset, range.bytes);
    }
    if (object.address === null) return failure('EINVAL');
    const done = await run.call(worker, CALL.munmap, object.address, object.mappedBytes);
    object.address = null;
    return done;
  },
  mbind: async (run, worker, args) => {
    const object = worker.objects.get(args.name);
    if (!object) return usage();
    const flags = (args.strict ? MPOL_MF_STRICT : 0) | (args.move ? MPOL_MF_MOVE : 0);
    const start = (object.address ?? 0) + args.offset;
    return run.call(worker, CALL.mbind, start, args.bytes, ...policyWords(args), flags);
  },
  touch: async (run, worker, { write, random, ...span }) =>
    withRange(worker, span, async (start) => {
      const order = random ? [random.count, random.seed] : [];
      return run.ask(worker, 'touch', start, pagesFor(span.bytes), write ? 'w' : 'r', ...order);
    }),
  mlock: async (run, worker, span) =>
    withRange(worker, span, async (start) => run.call(worker, CALL.mlock, start, span.bytes)),
  munlock: async (run, worker, span) =>
    withRange(worker, span, async (start) => run.call(worker, CALL.munlock, start, span.bytes)),
  mlockall: async (run, worker, { future }) =>
    run.call(worker, CALL.mlockall, MCL_CURRENT | (future ? MCL_FUTURE : 0)),
  mremap: async (run, worker, { name, bytes }) =>
    withRange(worker, { name, offset: 0, bytes }, async (start, object) => {
      const done = await run.call(worker, CALL.mremap, start, object.mappedBytes, bytes, 0);
      if (done.ret < 0) return done;
      object.mappedBytes = bytes;
      return ok();
    }),
  madvise: async (run, worker, { advice, ...span }) =>
    withRange(worker, span, async (start) =>
      run.call(worker, CALL.madvise, start, span.bytes, ADVICE[advice]!),
    ),
  move_pages: async (run, worker, { node, ...span }) => countNodes(run, worker, span, node),
  where: async (run, worker, span) => countNodes(run, worker, span, -1),
};

interface MapRequest {
  at: number | null;
  bytes: number;
  offset: number;
  protection: number;
  flags: number;
}

async function map(
  run: LabRun,
  worker: LabWorker,
  object: LabObject,
  { at, bytes, offset, protection, flags }: MapRequest,
): Promise<LabOutcome> {
  const align = object.isHugetlb ? 0 : 1;
  const words = ['map', at ?? 0, bytes, protection, flags, object.fd, offset, align];
  const mapped = await run.ask(worker, ...words);
  if (mapped.ret < 0) return mapped;
  object.address = Number(mapped.message);
  object.mappedBytes = bytes;
  return ok(0, `addr=${mapped.message}`);
}

type Span = Pick<StepArgs['where'], 'name' | 'offset' | 'bytes'>;

async function withRange(
  worker: LabWorker,
  { name, offset }: Span,
  act: (start: number, object: LabObject) => Promise<LabOutcome>,
): Promise<LabOutcome> {
  const object = worker.objects.get(name);
  return object && object.address !== null ? act(object.address + offset, object) : usage();
}

async function countNodes(run: LabRun, worker: LabWorker, span: Span, node: number): Promise<LabOutcome> {
  return withRange(worker, span, async (start, { isHugetlb }) => {
    const stride = isHugetlb ? HUGE_PAGE : PAGE_SIZE;
    return run.ask(worker, 'nodes', start, Math.floor(span.bytes / stride), stride, node);
  });
}
