import { allowedNodes } from '../../kernel/cpuset.ts';
import { accessRange } from '../../kernel/fault.ts';
import { madvise } from '../../kernel/mmap.ts';
import type { Inode } from '../../kernel/inode.ts';
import { makePolicy, policyText } from '../../kernel/mempolicy.ts';
import { truncateRange } from '../../kernel/page-cache.ts';
import { endThread, installFd, startThread } from '../../kernel/process.ts';
import { Task } from '../../kernel/task.ts';
import { indexOf } from '../../kernel/vma.ts';
import { conversionExits, launchUpdate } from '../../kvm/conversion.ts';
import { touchByRoot } from '../../kvm/other-roots.ts';
import { punchGmem } from '../../kvm/guest-memfd.ts';
import { guestAccessPages } from '../../kvm/fault-batch.ts';
import { setMemoryAttributes } from '../../kvm/memory-attributes.ts';
import { setMemoryRegion } from '../../kvm/memory-region.ts';
import { type AccessKind, guestAccess, type GuestExit, guestFetch } from '../../kvm/page-fault.ts';
import type { MemSlot } from '../../kvm/memslot.ts';
import { readRunArea } from '../../kvm/vcpu.ts';
import type { Vm, VmType } from '../../kvm/vm.ts';
import { forEachRandom } from '../../random/random-order.ts';
import type { RandomTouch, StepArgs } from '../../scenario/types.ts';
import type { Errno } from '../../units/errno.ts';
import { PAGE_SIZE } from '../../units/pages.ts';
import { answered, done, failed, type Outcome } from '../outcome.ts';
import { closeVcpus, ensureVcpu } from '../open-vcpus.ts';
import type { Worker } from '../worker.ts';
import type { World } from '../world.ts';
import type { WorkerHandlers } from './handler.ts';
import { findObject, usage } from './objects.ts';

/** Steps on a VM. A worker has one VM at a time; gmem and VM steps make a plain one where there is none. */
export const VM_STEPS: WorkerHandlers<
  | 'gmem policy'
  | 'gmem query'
  | 'vm create'
  | 'vm cap'
  | 'vm slot'
  | 'vm unslot'
  | 'vm attr'
  | 'vm touch'
  | 'vm ttouch'
  | 'vm launch-update'
  | 'vm convert'
  | 'vm vcpu'
  | 'vm close'
> = {
  'gmem policy': (world, worker, { name, offset, bytes, mode, flags, nodes, move }) => {
    const object = findObject(worker, name);
    if (!object?.inode) return usage();
    if (object.fd < 0) return failed('EBADF');
    const { inode } = object;
    if (!isBindable(inode) || offset % PAGE_SIZE !== 0) return failed('EINVAL');
    const policy = makePolicy(mode, flags, nodes, allowedNodes(world.kernel, worker.process));
    if (policy === 'EINVAL') return failed('EINVAL');
    const index = offset / PAGE_SIZE;
    const count = Math.ceil(bytes / PAGE_SIZE);
    const wish = { gmem: inode, index, count, policy, by: worker.task, move };
    if (inode.kind !== 'gmem') {
      const errno = world.readers.fileWish(wish);
      if (errno === 0) world.bound(inode, { worker: worker.name, call: 'descriptor', index, count, policy });
      return answered(errno);
    }
    world.wish(inode, index, count, policy);
    const errno = world.readers.policyWish(wish);
    if (errno === 0) world.bound(inode, { worker: worker.name, call: 'descriptor', index, count, policy });
    return answered(errno);
  },
  'gmem query': (world, worker, { name, offset }) => {
    const object = findObject(worker, name);
    if (!object?.inode) return usage();
    if (object.fd < 0) return failed('EBADF');
    const query = world.readers.policyQuery;
    if (!query) return failed('ENODEV');
    return done(0, policyText(query(object.inode, Math.floor(offset / PAGE_SIZE))));
  },
  'vm create': (world, worker, { type }) => {
    const made = ensureVm(world, worker, type);
    return typeof made === 'string' ? failed(made) : done();
  },
  'vm cap': (world, worker) => {
    const made = ensureVm(world, worker, 'default');
    if (typeof made === 'string') return failed(made);
    // Each answer is what the ioctl returned, its failure too.
    if (isForeign(worker)) return done(0, 'GUEST_MEMFD=-1 MEMORY_ATTRIBUTES=0xffffffff GUEST_MEMFD_FLAGS=-1');
    const { vm } = made;
    const { gmemFlags } = world.kernel.profile;
    const hasGmem = vm.hasPrivateMemory || gmemFlags !== 0;
    const isEither = !vm.hasPrivateMemory || world.kernel.proposed.inPlaceConversion;
    const flags = gmemFlags === 0 ? 0 : isEither ? gmemFlags : 1;
    return done(
      0,
      `GUEST_MEMFD=${hasGmem ? 1 : 0} MEMORY_ATTRIBUTES=0x${vm.hasPrivateMemory ? 8 : 0} GUEST_MEMFD_FLAGS=${flags}`,
    );
  },
  'vm slot': (world, worker, args) => {
    const object = args.object === null ? null : findObject(worker, args.object);
    if (object !== null && (!object || object.vpn === null)) return usage();
    const gmem = args.gmem === null ? null : findObject(worker, args.gmem);
    const vm = ownVm(worker);
    if (typeof vm === 'string') return failed(vm);
    if (gmem === undefined || (gmem !== null && gmem.fd < 0)) return failed('EBADF');
    return answered(
      setMemoryRegion(world.kvm, vm, worker.task, {
        slot: args.slot,
        gpa: args.gpa,
        bytes: args.bytes,
        userspaceAddr: object === null ? 0 : object.vpn! * PAGE_SIZE + args.offset,
        gmem: gmem?.inode ?? null,
        gmemOffset: args.gmemOffset,
      }),
    );
  },
  'vm unslot': (world, worker, { slot }) => {
    const vm = ownVm(worker);
    if (typeof vm === 'string') return failed(vm);
    const request = { slot, gpa: 0, bytes: 0, userspaceAddr: 0, gmem: null, gmemOffset: 0 };
    return answered(setMemoryRegion(world.kvm, vm, worker.task, request));
  },
  'vm attr': (world, worker, { gpa, bytes, to }) => {
    const vm = ownVm(worker);
    if (typeof vm === 'string') return failed(vm);
    return answered(setMemoryAttributes(world.kvm, vm, worker.task, gpa, bytes, to));
  },
  'vm touch': (world, worker, { gpa, bytes, code, step, vcpu, root, random }) =>
    runGuest(world, worker, worker.vcpu(vcpu), code, { gpa, bytes, step, root, random }),
  'vm ttouch': (world, worker, { gpa, bytes, code, cpu, mode, flags, nodes }) => {
    const task = newThread(world, worker, cpu, mode, flags, nodes);
    if (!(task instanceof Task)) return task;
    return runGuest(world, worker, task, code, { gpa, bytes, step: PAGE_SIZE, random: null });
  },
  'vm launch-update': (world, worker, { gpa, bytes }) => {
    const vm = ownVm(worker);
    if (typeof vm === 'string') return failed(vm);
    return answered(launchUpdate(world.kvm, vm, worker.task, gpa, bytes));
  },
  'vm convert': (world, worker, args) => {
    const vm = ownVm(worker);
    if (typeof vm === 'string') return failed(vm);
    const gfn = args.gpa / PAGE_SIZE;
    const count = args.bytes / PAGE_SIZE;
    if (!Number.isInteger(gfn) || !Number.isInteger(count) || count === 0) return failed('EINVAL');
    const exits = conversionExits(gfn, count, args.how);
    const errno = setMemoryAttributes(world.kvm, vm, worker.task, args.gpa, args.bytes, args.to);
    if (errno) return failed(errno);
    discard(world, worker, vm, gfn, count, args);
    const exit = args.how === 'explicit' ? 'KVM_EXIT_HYPERCALL' : 'KVM_EXIT_MEMORY_FAULT';
    world.view.count(exit, exits);
    // The access that faulted runs again, on the vCPU's thread.
    if (args.how === 'implicit') {
      const again = guestAccess(world.kvm, vm, worker.vcpu(0), gfn, count, args.to);
      if (again) return exited(again);
    }
    return done(0, `${exit}=${exits}`);
  },
  'vm vcpu': (world, worker, { index, cpu, mode, flags, nodes }) => {
    const vm = ownVm(worker);
    if (typeof vm === 'string') return failed(vm);
    const policy = makePolicy(mode, flags, nodes, allowedNodes(world.kernel, worker.process));
    if (world.kernel.cpuNode[cpu] === undefined || policy === 'EINVAL') return failed('EINVAL');
    const task = startThread(world.kernel, worker.process, threadName(index), cpu);
    task.setPolicy(policy);
    worker.vcpus.set(index, task);
    vm.vcpuThreads.set(task, vm.vcpu(index));
    ensureVcpu(world, worker, vm, task, index);
    return done();
  },
  'vm close': (world, worker) => {
    for (const index of worker.vcpus.keys()) endThread(world.kernel, worker.process, threadName(index));
    closeVcpus(world, worker);
    if (worker.vm) world.kvm.closeVm(worker.process, worker.vm.fd);
    worker.vm = null;
    worker.vcpus.clear();
    return done();
  },
};

const threadName = (vcpu: number): string => `vcpu${vcpu}`;

/** The worker's VM, made where it has none (opening /dev/kvm first, which is root's). */
export function ensureVm(world: World, worker: Worker, type: VmType): { vm: Vm; fd: number } | 'EACCES' {
  if (!worker.hasKvmFd) {
    if (worker.process.uid !== 0) return 'EACCES';
    installFd(worker.process, { kind: 'kvm', inode: null, vm: null, link: '/dev/kvm' });
    worker.hasKvmFd = true;
  }
  worker.vm ??= world.kvm.createVm(worker.process, type);
  return worker.vm;
}

function newThread(
  world: World,
  worker: Worker,
  cpu: number,
  mode: Parameters<typeof makePolicy>[0],
  flags: Parameters<typeof makePolicy>[1],
  nodes: readonly number[],
): Task | Outcome {
  const nid = world.kernel.cpuNode[cpu];
  const policy = makePolicy(mode, flags, nodes, allowedNodes(world.kernel, worker.process));
  if (nid === undefined || policy === 'EINVAL') return failed('EINVAL');
  const task = new Task({ process: worker.process, cpu, nid });
  task.setPolicy(policy);
  return task;
}

/** Whether the worker only inherited its VM: the VM belongs to another address space. */
export function isForeign({ vm, process }: Worker): boolean {
  return vm !== null && vm.vm.process.mm !== process.mm;
}

/** The VM that a worker's ioctls act on; each fails where it belongs to another address space (virt/kvm/kvm_main.c:kvm_vm_ioctl). */
function ownVm(worker: Worker): Vm | Errno {
  if (!worker.vm) return 'EBADF';
  return isForeign(worker) ? 'EIO' : worker.vm.vm;
}

/** The VMM writes a few instructions to the second page of the object at guest address 0; the guest fetches them and runs. */
function runGuest(world: World, worker: Worker, task: Task, code: string | null, touch: GuestTouch): Outcome {
  if (code !== null) {
    const object = findObject(worker, code);
    if (!object || object.vpn === null) return usage();
    if (accessRange(world.kernel, task, object.vpn + 1, 1, true)) return failed('EFAULT');
  }
  const vm = ownVm(worker);
  if (typeof vm === 'string') return failed(vm);
  ensureVcpu(world, worker, vm, task, vm.vcpuOf(task).id);
  const fetched = code === null ? null : guestFetch(world.kvm, vm, task, 1);
  const exit = fetched ?? task.run(() => touchGuest(world, vm, task, touch));
  readRunArea(vm, task);
  const { gpa, bytes, root } = touch;
  if (root !== undefined && !exit) {
    touchByRoot(world.kvm, vm, task, root, Math.floor(gpa / PAGE_SIZE), Math.ceil(bytes / PAGE_SIZE));
  }
  return exited(exit);
}

/** Files that keep a policy of their own. */
const isBindable = ({ kind }: Inode): boolean => kind === 'gmem' || kind === 'shmem';

interface GuestTouch {
  gpa: number;
  bytes: number;
  step: number;
  root?: StepArgs['vm touch']['root'];
  random: RandomTouch | null;
}

function touchGuest(world: World, vm: Vm, task: Task, touch: GuestTouch): GuestExit | null {
  const { kvm } = world;
  const kind: AccessKind = 'attribute';
  const first = Math.floor(touch.gpa / PAGE_SIZE);
  const pages = Math.ceil(touch.bytes / PAGE_SIZE);
  if (touch.random) {
    let exit: GuestExit | null = null;
    forEachRandom(pages, touch.random.count, touch.random.seed, (batch, length) => {
      for (let i = 0; i < length; i++) batch[i] = batch[i]! + first;
      exit = guestAccessPages(kvm, vm, task, batch, length);
      return exit === null;
    });
    return exit;
  }
  if (touch.step <= PAGE_SIZE) return guestAccess(kvm, vm, task, first, pages, kind);
  for (let at = touch.gpa; at < touch.gpa + touch.bytes; at += touch.step) {
    const exit = guestAccess(kvm, vm, task, Math.floor(at / PAGE_SIZE), 1, kind);
    if (exit) return exit;
  }
  return null;
}

function exited(exit: GuestExit | null): Outcome {
  if (!exit) return done(0, 'hlt');
  const errno: Errno = exit.errno === 'EINTR' ? 'EINTR' : exit.errno;
  if (exit.reason === 'KVM_EXIT_INTERNAL_ERROR') return failed(errno, exit.reason);
  const kind = exit.reason === 'KVM_EXIT_MEMORY_FAULT' ? ` ${exit.isPrivate ? 'private' : 'shared'}` : '';
  return failed(errno, `${exit.reason}${kind} gpa=0x${(exit.gfn * PAGE_SIZE).toString(16)}`);
}

/**
 * What a VMM gives back after a conversion: by default the pages of the pool that the range left, which is no other one where the conversion
 * was in place.
 */
function discard(
  world: World,
  worker: Worker,
  vm: Vm,
  gfn: number,
  count: number,
  { to, discard: pools }: Pick<StepArgs['vm convert'], 'to' | 'discard'>,
): void {
  const isGiven = (pool: 'private' | 'shared', { isInPlace }: MemSlot): boolean =>
    pools === 'left' ? to !== pool && !isInPlace : pools === pool || pools === 'both';
  for (const slot of vm.slots.values()) {
    const from = Math.max(gfn, slot.gfn);
    const n = Math.min(gfn + count, slot.gfn + slot.pages) - from;
    if (n <= 0) continue;
    if (isGiven('private', slot) && slot.gmem) {
      punchGmem(
        world.kvm,
        worker.task,
        slot.gmem,
        (slot.gmemIndex + from - slot.gfn) * PAGE_SIZE,
        n * PAGE_SIZE,
      );
    }
    if (isGiven('shared', slot) && slot.userspaceVpn > 0) {
      discardShared(world, worker, slot.userspaceVpn + from - slot.gfn, n);
    }
  }
}

/** Anonymous memory is dropped, a file is punched, as QEMU's ram_block_discard_range does. */
function discardShared(world: World, worker: Worker, vpn: number, count: number): void {
  const mm = worker.process.mm!;
  for (const vma of mm.overlapping(vpn, vpn + count)) {
    const from = Math.max(vpn, vma.start);
    const n = Math.min(vpn + count, vma.end) - from;
    // QEMU does not discard where the pages of the backend are larger than those of the host.
    if (vma.hugetlb) continue;
    madvise(world.kernel, worker.task, from, n, 'dontneed');
    if (!vma.file) continue;
    const index = indexOf(vma, from);
    if (vma.file.kind === 'gmem')
      punchGmem(world.kvm, worker.task, vma.file, index * PAGE_SIZE, n * PAGE_SIZE);
    else truncateRange(world.kernel, worker.task, vma.file, index, n);
  }
}
