import { allowedNodes } from '../../kernel/cpuset.ts';
import { accessRange, type AccessResult } from '../../kernel/fault.ts';
import { mmapHugetlb } from '../../kernel/hugetlb-mmap.ts';
import { mbindMoving } from '../../kernel/mbind-move.ts';
import { madvise, mlock, mlockall, mmap, mremap, munmap } from '../../kernel/mmap.ts';
import { makePolicy } from '../../kernel/mempolicy.ts';
import type { Inode } from '../../kernel/inode.ts';
import { indexOf } from '../../kernel/vma.ts';
import type { StepArgs } from '../../scenario/types.ts';
import { PAGE_SIZE, pagesFor } from '../../units/pages.ts';
import { answered, done, failed, type Outcome } from '../outcome.ts';
import { forEachRandom } from '../../random/random-order.ts';
import type { Worker } from '../worker.ts';
import type { World } from '../world.ts';
import { killByFault } from './death.ts';
import type { WorkerHandlers } from './handler.ts';
import { addObject, addressOf, findObject, shadowPages, usage } from './objects.ts';
import { peek } from './peek.ts';
import { moveHistogram, nodeHistogram } from './node-histogram.ts';

/** Steps on address ranges: mmap and its relatives. */
export const MAPPING_STEPS: WorkerHandlers<
  | 'map'
  | 'anon map'
  | 'unmap'
  | 'mbind'
  | 'touch'
  | 'mlock'
  | 'munlock'
  | 'mlockall'
  | 'mremap'
  | 'peek'
  | 'madvise'
  | 'move_pages'
  | 'where'
> = {
  map: (world, worker, args) => {
    const object = findObject(worker, args.name);
    if (!object) return usage();
    if (object.fd < 0) return failed('EBADF');
    const offset = args.offset ?? 0;
    const pages = pagesFor(args.bytes ?? object.pages * PAGE_SIZE - offset);
    const answer = mapPages(world, worker, object.inode, pages, {
      at: args.at,
      pgoff: offset / PAGE_SIZE,
      shared: args.shared,
      prot: args.readOnly ? 'r--' : 'rw-',
      noreserve: false,
      hugetlb: object.inode?.kind === 'hugetlb',
    });
    if (answer.ret < 0) return answer;
    object.vpn = answer.ret;
    object.mappedPages = pages;
    return mapped(answer.ret);
  },
  'anon map': (world, worker, args) => {
    const pages = pagesFor(args.bytes);
    const object = addObject(worker, args.name, 'anon', null, -1, pages);
    const { at, shared, noreserve, hugetlb } = args;
    const answer = mapPages(world, worker, null, pages, {
      at,
      pgoff: 0,
      shared,
      prot: 'rw-',
      noreserve,
      hugetlb,
    });
    if (answer.ret < 0) return answer;
    object.vpn = answer.ret;
    object.mappedPages = pages;
    return mapped(answer.ret);
  },
  unmap: (world, worker, { name, range }) => {
    const object = findObject(worker, name);
    if (!object) return usage();
    const vpn = addressOf(worker, object);
    const start = (vpn ?? 0) + (range ? Math.floor(range.offset / PAGE_SIZE) : 0);
    const pages = range ? pagesFor(range.bytes) : object.vpn === null ? object.pages : object.mappedPages;
    if (vpn === null && !range) return failed('EINVAL');
    const errno = munmap(world.kernel, worker.process.mm!, start, pages);
    if (!errno && !range) object.vpn = null;
    return answered(errno);
  },
  mbind: (world, worker, args) => {
    const object = findObject(worker, args.name);
    if (!object) return usage();
    if (args.offset % PAGE_SIZE !== 0) return failed('EINVAL');
    const policy = makePolicy(args.mode, args.flags, args.nodes, allowedNodes(world.kernel, worker.process));
    if (policy === 'EINVAL') return failed('EINVAL');
    const vpn = (addressOf(worker, object) ?? 0) + args.offset / PAGE_SIZE;
    const { move, strict } = args;
    const { kernel } = world;
    const count = pagesFor(args.bytes);
    const errno = mbindMoving(kernel, worker.task, vpn, count, { policy, nodes: args.nodes, move, strict });
    const { inode } = object;
    const keeps = inode?.kind === 'shmem' || (inode?.kind === 'gmem' && kernel.profile.gmemSharedPolicy);
    const vma = worker.process.mm!.find(vpn);
    if (errno === 0 && inode && keeps && vma?.file === inode) {
      world.bound(inode, { worker: worker.name, call: 'mapping', index: indexOf(vma, vpn), count, policy });
    }
    return answered(errno);
  },
  touch: (world, worker, args) => {
    const object = findObject(worker, args.name);
    const start = object && addressOf(worker, object);
    if (start === undefined || start === null) return usage();
    const vpn = start + Math.floor(args.offset / PAGE_SIZE);
    const pages = pagesFor(args.bytes);
    return accessed(
      world,
      worker,
      worker.task.run(() => touchPages(world, worker, vpn, pages, args)),
    );
  },
  mlock: (world, worker, args) => lock(world, worker, args, true),
  munlock: (world, worker, args) => lock(world, worker, args, false),
  mlockall: (world, worker, { future }) => answered(mlockall(world.kernel, worker.task, future)),
  mremap: (world, worker, { name, bytes }) => {
    const object = findObject(worker, name);
    const vpn = object ? addressOf(worker, object) : null;
    if (!object || vpn === null) return usage();
    const pages = object.vpn === null ? shadowPages(worker, object) : object.mappedPages;
    const newPages = pagesFor(bytes);
    const errno = mremap(world.kernel, worker.process.mm!, vpn, pages, newPages);
    if (!errno && object.vpn !== null) object.mappedPages = newPages;
    return answered(errno);
  },
  peek: (world, worker, args) => peek(world, worker, args),
  madvise: (world, worker, { name, offset, bytes, advice }) => {
    const object = findObject(worker, name);
    const start = object && addressOf(worker, object);
    if (start === undefined || start === null) return usage();
    const vpn = start + Math.floor(offset / PAGE_SIZE);
    return answered(madvise(world.kernel, worker.task, vpn, pagesFor(bytes), advice));
  },
  move_pages: (world, worker, { name, offset, bytes, node }) => {
    const object = findObject(worker, name);
    const start = object && addressOf(worker, object);
    if (start === undefined || start === null) return usage();
    const vpn = start + offset / PAGE_SIZE;
    return moveHistogram(world.kernel, worker.task, vpn, bytes / PAGE_SIZE, node);
  },
  where: (world, worker, { name, offset, bytes }) => {
    const object = findObject(worker, name);
    const start = object && addressOf(worker, object);
    if (start === undefined || start === null) return usage();
    return nodeHistogram(world.kernel, worker.process, start + offset / PAGE_SIZE, bytes / PAGE_SIZE);
  },
};

/** 4 MiB: what the worker program reserves beyond the size of a mapping. */
const ALIGNMENT_PAGES = 1024;

interface MapOptions {
  at: number | null;
  pgoff: number;
  shared: boolean;
  prot: string;
  noreserve: boolean;
  hugetlb: boolean;
}

/** Maps; on success `ret` is the page address. */
function mapPages(
  world: World,
  worker: Worker,
  file: Inode | null,
  pages: number,
  options: MapOptions,
): Outcome {
  const at = options.at === null ? null : options.at / PAGE_SIZE;
  // The worker program reserves more at first, to find an aligned address, and maps over a part of that.
  const mm = worker.process.mm!;
  const isReserved = !options.hugetlb;
  if (isReserved && (mm.totalVm + pages + ALIGNMENT_PAGES) * PAGE_SIZE > mm.rlimits.as)
    return failed('ENOMEM');
  const request = { ...options, pages, file, at, isReserved };
  const answer = options.hugetlb
    ? mmapHugetlb(world.kernel, worker.task, request)
    : mmap(world.kernel, mm, request);
  return typeof answer === 'string' ? failed(answer) : done(answer);
}

const mapped = (vpn: number): Outcome => done(0, `addr=0x${(vpn * PAGE_SIZE).toString(16)}`);

function touchPages(
  world: World,
  worker: Worker,
  vpn: number,
  pages: number,
  args: StepArgs['touch'],
): AccessResult {
  if (!args.random) return accessRange(world.kernel, worker.task, vpn, pages, args.write);
  let result: AccessResult = null;
  forEachRandom(pages, args.random.count, args.random.seed, (batch, length) => {
    for (let i = 0; i < length && result === null; i++) {
      result = accessRange(world.kernel, worker.task, vpn + batch[i]!, 1, args.write);
    }
    return result === null;
  });
  return result;
}

/** A touch that faults for good ends the worker; one that runs out of memory does, too (the OOM killer chose somebody else first). */
function accessed(world: World, worker: Worker, result: AccessResult): Outcome {
  if (result === null) return done();
  if (result === 'EINTR') return done();
  return killByFault(world, worker, result === 'ENOMEM' ? 'SIGBUS' : result);
}

function lock(
  world: World,
  worker: Worker,
  { name, offset, bytes }: StepArgs['mlock'],
  isLock: boolean,
): Outcome {
  const object = findObject(worker, name);
  const start = object && addressOf(worker, object);
  if (start === undefined || start === null) return usage();
  const vpn = start + Math.floor(offset / PAGE_SIZE);
  return answered(mlock(world.kernel, worker.task, vpn, pagesFor(bytes), isLock));
}
