import fc from 'fast-check';
import type { Process } from '../../src/kernel/task.ts';
import type { Worker, WorkerObject } from '../../src/simulation/worker.ts';
import type { World } from '../../src/simulation/world.ts';
import type { ModeName, Step } from '../../src/scenario/types.ts';
import { pages, step } from './lab.ts';

/** Pages of the largest objects. */
const SIZE = 700;

/** What a random draw asks for; numbers pick among what there is in the world at that moment. */
export interface Draw {
  kind: (typeof KINDS)[number];
  who: number;
  a: number;
  b: number;
  from: number;
  length: number;
}

const KINDS = [
  'create',
  'fallocate',
  'fallocate',
  'fallocate',
  'punch',
  'punch',
  'punch',
  'map',
  'map',
  'touch',
  'touch',
  'touch',
  'touch',
  'unmap',
  'unmap',
  'close',
  'fork',
  'exit',
  'mempolicy',
  'mempolicy',
  'affinity',
  'mbind',
  'mbind',
  'move',
  'slot',
  'unslot',
  'attr',
  'attr',
  'guest',
  'guest',
  'guest',
  'guest',
  'convert',
  'vcpu',
  'cgroup',
] as const;

export const draws = (length: number): fc.Arbitrary<Draw[]> =>
  fc.array(
    fc.record({
      kind: fc.constantFrom(...KINDS),
      who: fc.nat(100),
      a: fc.nat(100),
      b: fc.nat(100),
      from: fc.oneof(fc.constant(0), fc.nat(SIZE)),
      length: fc.oneof(
        fc.constant(1),
        fc.constant(SIZE),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: SIZE }),
      ),
    }),
    { minLength: length, maxLength: length },
  );

/** Pages of the objects: within a block, or over a border. */
const SIZES = [40, 300, SIZE];
const GROUPS = ['/', '/a', '/b', '/b/c'];
const DISCARDS = ['left', 'none', 'private', 'shared', 'both'] as const;
const POLICIES: readonly (readonly [ModeName, number[]])[] = [
  ['default', []],
  ['local', []],
  ['bind', [2]],
  ['bind', [1, 3]],
  ['interleave', [2, 3]],
  ['interleave', [0, 1, 3]],
  ['interleave', [1]],
  ['preferred', [3]],
  ['prefmany', [0, 2]],
  ['winterleave', [0, 1, 3]],
];
const MAX_PROCESSES = 5;
const MAX_OBJECTS = 7;

const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(1, list.length)];

/**
 * What random scripts begin with: a guest whose lower half is private, or all of whose memory comes from the gmem where the kernel has
 * that; anonymous memory and private copies of a file; and a child that shares them.
 */
export function opening(world: World, isGmemOnly: boolean): Step[] {
  const { gmemFlags } = world.kernel.profile;
  const onlyGmem = isGmemOnly && gmemFlags > 0;
  const bytes = pages(SIZE);
  const fresh = { hugetlb: false, cloexec: false };
  const whole = { readOnly: false, at: null, offset: null, bytes: null };
  const touch = { code: null, step: 4096, vcpu: null, random: null };
  return [
    step('cgroup create', { path: '/a' }),
    step('cgroup create', { path: '/b' }),
    step('write', { path: '/sys/fs/cgroup/b/cgroup.subtree_control', value: '+memory +cpuset' }),
    step('cgroup create', { path: '/b/c' }),
    step('mempolicy', { mode: 'interleave', flags: [], nodes: [0, 1, 3] }),
    step('vm create', { type: onlyGmem ? 'default' : 'swprot' }),
    step('gmem create', { name: 'g0', bytes, flags: onlyGmem ? gmemFlags : gmemFlags & 1 }),
    step('memfd create', { name: 'm0', bytes, ...fresh, file: 'm0' }),
    step('map', { kind: 'memfd', name: 'm0', shared: true, ...whole }),
    step('vm slot', { slot: 0, gpa: 0, bytes, object: 'm0', offset: 0, gmem: 'g0', gmemOffset: 0 }),
    ...(onlyGmem ? [] : [step('vm attr', { gpa: 0, bytes: pages(350), to: 'private' })]),
    step('vm touch', { gpa: pages(100), bytes: pages(500), ...touch }),
    step('anon map', { name: 'n0', bytes, shared: false, hugetlb: false, noreserve: false, at: null }),
    step('touch', { name: 'n0', offset: 0, bytes: pages(600), write: true, random: null }),
    step('memfd create', { name: 'p0', bytes: pages(400), ...fresh, file: 'p0' }),
    step('map', { kind: 'memfd', name: 'p0', shared: false, ...whole }),
    step('touch', { name: 'p0', offset: 0, bytes: pages(200), write: false, random: null }),
    step('touch', { name: 'p0', offset: pages(100), bytes: pages(150), write: true, random: null }),
    step('fork', { worker: 'f1' }),
    step('cgroup move', { worker: 'f1', path: '/a' }),
    step('mempolicy', { mode: 'winterleave', flags: [], nodes: [0, 1, 3] }, 'f1'),
  ];
}

/** A step of a random script: valid names and aligned ranges, so that it fails only where the kernel says so. Null: nothing to do. */
export function chooseStep(world: World, draw: Draw): Step | null {
  const worker = pick(living(world), draw.who);
  if (!worker) return null;
  const who = worker.name;
  const { kind, a, b } = draw;
  const objects = [...worker.objects.values()];
  const files = objects.filter((object) => object.fd >= 0);
  const file = pick(files, a);
  const span = (object: { pages: number }): { offset: number; bytes: number } => {
    const from = draw.from % object.pages;
    return { offset: pages(from), bytes: pages(Math.min(draw.length, object.pages - from)) };
  };
  switch (kind) {
    case 'create':
      return objects.length < MAX_OBJECTS ? create(world, worker, draw) : null;
    case 'fallocate':
    case 'punch':
      return file ? step(kind, { kind: kindOf(file), name: file.name, ...span(file) }, who) : null;
    case 'map': {
      const unmapped = pick(
        files.filter((object) => object.vpn === null && canMap(object)),
        a,
      );
      if (!unmapped) return null;
      const shared = unmapped.kind === 'gmem' || b % 3 > 0;
      return step(
        'map',
        {
          kind: kindOf(unmapped),
          name: unmapped.name,
          shared,
          readOnly: false,
          at: null,
          offset: null,
          bytes: null,
        },
        who,
      );
    }
    case 'touch': {
      const object = pick(objects.filter(isTouchable), a);
      if (!object) return null;
      const range = span(object);
      return isMapped(worker, object, range)
        ? step('touch', { name: object.name, ...range, write: b % 3 > 0, random: null }, who)
        : null;
    }
    case 'unmap': {
      const object = pick(
        objects.filter(({ vpn }) => vpn !== null),
        a,
      );
      return object
        ? step('unmap', { kind: 'memfd', name: object.name, range: b % 2 > 0 ? span(object) : null }, who)
        : null;
    }
    case 'close':
      return file && b % 2 > 0 ? step('close', { kind: kindOf(file), name: file.name }, who) : null;
    case 'fork':
      return world.workers.size < MAX_PROCESSES
        ? step('fork', { worker: `f${world.workers.size}` }, who)
        : null;
    case 'exit':
      return b % 4 === 0 && living(world).length > 1 ? step('exit', {}, who) : null;
    case 'mempolicy': {
      const [mode, nodes] = POLICIES[b % POLICIES.length]!;
      return step('mempolicy', { mode, flags: [], nodes: [...nodes] }, who);
    }
    case 'affinity':
      return step('affinity', { cpu: b % 4 }, who);
    case 'mbind': {
      const object = pick(
        objects.filter(({ vpn }) => vpn !== null),
        a,
      );
      const [mode, nodes] = POLICIES[b % POLICIES.length]!;
      return object && isMapped(worker, object, span(object))
        ? step(
            'mbind',
            {
              name: object.name,
              ...span(object),
              mode,
              flags: [],
              nodes: [...nodes],
              move: false,
              strict: false,
            },
            who,
          )
        : null;
    }
    case 'move':
      return step('cgroup move', { worker: who, path: pick(groupsOf(world), b)! });
    case 'cgroup':
      return b % 2 > 0
        ? step('cgroup rm', { path: GROUPS[1 + (a % 3)]! })
        : step('cgroup create', { path: GROUPS[1 + (a % 3)]! });
    default:
      return guestStep(world, worker, draw);
  }
}

function create(world: World, worker: Worker, { a, b }: Draw): Step {
  const who = worker.name;
  const bytes = pages(SIZES[a % SIZES.length]!);
  const name = `${'gman'[b % 4]}${world.kernel.nextInodeId}-${worker.objects.size}${who}`;
  const flags = world.kernel.profile.gmemFlags;
  switch (b % 4) {
    case 0:
      if (!worker.vm)
        return step('vm create', { type: a % 4 > 0 || flags === 0 ? 'swprot' : 'default' }, who);
      // The VM of another process makes none.
      if (worker.vm.vm.process !== worker.process) return step('vm close', {}, who);
      return step(
        'gmem create',
        { name, bytes, flags: worker.vm.vm.hasPrivateMemory ? flags & 1 : flags },
        who,
      );
    case 1:
    case 2:
      return step('memfd create', { name, bytes, hugetlb: false, cloexec: false, file: name }, who);
    default:
      return step(
        'anon map',
        { name, bytes, shared: a % 2 > 0, hugetlb: false, noreserve: a % 5 === 0, at: null },
        who,
      );
  }
}

/** Steps on the worker's VM, as long as it is its own: other processes get EIO for every ioctl. */
function guestStep(world: World, worker: Worker, draw: Draw): Step | null {
  const { kind, a, b } = draw;
  const who = worker.name;
  const vm = worker.vm?.vm;
  if (!vm || vm.process !== worker.process) return null;
  const objects = [...worker.objects.values()];
  const slot = pick([...vm.slots.values()], a);
  const gpa = pages((slot?.gfn ?? 0) + (slot ? draw.from % slot.pages : draw.from));
  const bytes = pages(draw.length);
  const to = b % 2 > 0 ? 'private' : 'shared';
  switch (kind) {
    case 'slot': {
      const gmem = pick(
        objects.filter((object) => object.kind === 'gmem' && object.fd >= 0),
        a,
      );
      const shared = pick(
        objects.filter((object) => object.vpn !== null && object.kind !== 'gmem'),
        b,
      );
      if (!gmem && !shared) return null;
      const size = Math.min(gmem?.pages ?? Infinity, shared?.pages ?? Infinity);
      const gmemOffset = gmem ? (b % 3) * 7 : 0;
      return step(
        'vm slot',
        {
          slot: b % 3,
          gpa: pages((b % 3) * 900 + (a % 2) * 150),
          bytes: pages(Math.max(1, size - 20 * (a % 2) - gmemOffset)),
          object: shared?.name ?? null,
          offset: 0,
          gmem: gmem?.name ?? null,
          gmemOffset: pages(gmemOffset),
        },
        who,
      );
    }
    case 'unslot':
      if (slot) return b % 2 > 0 ? step('vm unslot', { slot: slot.id }, who) : null;
      return b % 4 === 0 ? step('vm close', {}, who) : null;
    case 'attr':
      return step('vm attr', { gpa, bytes, to }, who);
    case 'guest':
      return step(
        'vm touch',
        {
          gpa,
          bytes,
          code: null,
          step: b % 4 === 0 ? 12_288 : 4096,
          vcpu: b % 2,
          random: b % 5 === 0 ? { count: draw.length, seed: a } : null,
        },
        who,
      );
    case 'convert':
      return step(
        'vm convert',
        { gpa, bytes, to, how: 'explicit', discard: DISCARDS[a % DISCARDS.length]! },
        who,
      );
    case 'vcpu': {
      const [mode, nodes] = POLICIES[b % POLICIES.length]!;
      return step('vm vcpu', { index: 1, cpu: a % 4, mode, flags: [], nodes: [...nodes] }, who);
    }
    default:
      return null;
  }
}

/** Steps that end everything: all processes exit, and with them every file. */
export function endOfEverything(world: World): Step[] {
  return living(world).map(({ name }) => step('exit', {}, name));
}

const living = (world: World): Worker[] =>
  [...world.workers.values()].filter(({ process }) => process.isAlive);
const groupsOf = (world: World): string[] => [...world.kernel.memcgs.keys()].sort();
const kindOf = ({ kind }: WorkerObject): 'gmem' | 'memfd' => (kind === 'gmem' ? 'gmem' : 'memfd');
const canMap = ({ kind, inode }: WorkerObject): boolean => kind !== 'gmem' || (inode!.flags & 1) !== 0;
/** Touching a gmem that the host may not fault (no INIT_SHARED) kills; that is a test of its own. */
const isTouchable = ({ vpn, kind, inode }: WorkerObject): boolean =>
  vpn !== null && (kind !== 'gmem' || (inode!.flags & 2) !== 0);

/** Whether a range is mapped throughout, by what may be touched. */
function isMapped(worker: Worker, object: WorkerObject, range: { offset: number; bytes: number }): boolean {
  const start = object.vpn! + range.offset / pages(1);
  const end = start + range.bytes / pages(1);
  return coveredPages(worker.process, start, end) === end - start;
}

function coveredPages(process: Process, start: number, end: number): number {
  return process
    .mm!.overlapping(start, end)
    .filter(({ file }) => file?.kind !== 'gmem' || (file.flags & 2) !== 0)
    .reduce((sum, vma) => sum + Math.min(vma.end, end) - Math.max(vma.start, start), 0);
}
