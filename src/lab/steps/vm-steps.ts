import type { StepArgs } from '../../scenario/types.ts';
import { PAGE_SIZE, pagesFor } from '../../units/pages.ts';
import { asZero, failure, ok, usage, type LabOutcome, type LabRun } from '../lab-run.ts';
import type { LabVcpu, LabWorker } from '../lab-worker.ts';
import {
  CALL,
  cString,
  KVM,
  mask,
  O_CLOEXEC,
  O_RDWR,
  padding,
  policyWords,
  struct,
} from '../system-calls.ts';
import type { WorkerSteps } from './step-handler.ts';

const SW_PROTECTED_VM = 1;
const MEM_GUEST_MEMFD = 4;
const ATTRIBUTE_PRIVATE = 8;
const CAPABILITY = { memoryAttributes: 233, guestMemfd: 234, vmTypes: 235, guestMemfdFlags: 244 } as const;
/** PROT_READ | PROT_WRITE, MAP_SHARED. */
const READ_WRITE = 3;
const SHARED = 1;
/** MADV_POPULATE_WRITE. */
const POPULATE_WRITE = 23;
/** Thread that a single step makes and ends; vCPUs' own threads have the numbers of their vCPUs. */
const SHORT_THREAD = 15;

/** Steps on the worker's VM. */
export const VM_STEPS: WorkerSteps<
  | 'vm create'
  | 'vm cap'
  | 'vm slot'
  | 'vm unslot'
  | 'vm attr'
  | 'vm touch'
  | 'vm ttouch'
  | 'vm vcpu'
  | 'vm close'
> = {
  'vm create': async (run, worker, { type }) => (await ensureVm(run, worker, type)) ?? ok(),
  'vm cap': async (run, worker) => {
    const failed = await ensureVm(run, worker, 'default');
    if (failed) return failed;
    const has = async (fd: number, capability: number): Promise<number> =>
      (await run.call(worker, CALL.ioctl, fd, KVM.CHECK_EXTENSION, capability)).ret;
    const { vmFd, kvmFd } = worker;
    const words = [
      `GUEST_MEMFD=${await has(vmFd, CAPABILITY.guestMemfd)}`,
      `VM_TYPES=0x${(await has(kvmFd, CAPABILITY.vmTypes)).toString(16)}`,
      `MEMORY_ATTRIBUTES=0x${((await has(vmFd, CAPABILITY.memoryAttributes)) >>> 0).toString(16)}`,
      `GUEST_MEMFD_FLAGS=${await has(vmFd, CAPABILITY.guestMemfdFlags)}`,
    ];
    return ok(0, words.join(' '));
  },
  'vm slot': async (run, worker, args) => {
    const object = args.object === null ? null : worker.objects.get(args.object);
    if (object === undefined || object?.address === null) return usage();
    const gmem = args.gmem === null ? null : worker.objects.get(args.gmem);
    if (gmem === undefined) return usage();
    const userspace = object === null ? 0 : object.address + args.offset;
    const { slot, gpa, bytes, gmemOffset } = args;
    const words = [
      [8, gpa],
      [8, bytes],
      [8, userspace],
    ] as const;
    if (gmem === null) return setRegion(run, worker, struct([4, slot], [4, 0], ...words));
    const request = struct(
      ...([[4, slot], [4, MEM_GUEST_MEMFD], ...words, [8, gmemOffset], [4, gmem.fd], [4, 0]] as const),
      ...padding(14),
    );
    return run.call(worker, CALL.ioctl, worker.vmFd, KVM.SET_USER_MEMORY_REGION2, request);
  },
  'vm unslot': async (run, worker, { slot }) =>
    setRegion(run, worker, struct([4, slot], [4, 0], ...padding(3))),
  'vm attr': async (run, worker, { gpa, bytes, to }) => {
    const attribute = to === 'private' ? ATTRIBUTE_PRIVATE : 0;
    const request = struct([8, gpa], [8, bytes], [8, attribute], [8, 0]);
    return run.call(worker, CALL.ioctl, worker.vmFd, KVM.SET_MEMORY_ATTRIBUTES, request);
  },
  'vm touch': async (run, worker, { vcpu, ...touch }) => {
    const index = vcpu !== null && worker.threads.has(vcpu) ? vcpu : 0;
    const thread = worker.threads.has(index) ? [`@${index}`] : [];
    return runGuest(run, worker, index, thread, touch);
  },
  'vm ttouch': async (run, worker, { cpu, mode, flags, nodes, ...touch }) => {
    const made = await startThread(run, worker, SHORT_THREAD, { cpu, mode, flags, nodes });
    const thread = [`@${SHORT_THREAD}`];
    const whole = { ...touch, step: PAGE_SIZE, random: null };
    const outcome = made.ret < 0 ? made : await runGuest(run, worker, 0, thread, whole);
    if (worker.isAlive) await run.ask(worker, 'thread', SHORT_THREAD, 'end');
    return outcome;
  },
  'vm vcpu': async (run, worker, { index, ...place }) => {
    if (worker.vmFd < 0) return failure('EBADF');
    const made = await startThread(run, worker, index, place);
    if (made.ret < 0) {
      if (worker.isAlive) await run.ask(worker, 'thread', index, 'end');
      return made;
    }
    worker.threads.add(index);
    const vcpu = await ensureVcpu(run, worker, index, [`@${index}`]);
    return 'fd' in vcpu ? ok() : vcpu;
  },
  'vm close': async (run, worker) => {
    for (const index of worker.threads) await run.ask(worker, 'thread', index, 'end');
    for (const { fd, run: area, runBytes } of worker.vcpus.values()) {
      await run.call(worker, CALL.munmap, area, runBytes);
      await run.call(worker, CALL.close, fd);
    }
    if (worker.vmFd >= 0) await run.call(worker, CALL.close, worker.vmFd);
    worker.threads.clear();
    worker.vcpus.clear();
    worker.vmFd = -1;
    return ok();
  },
};

/** Makes the worker's VM where it has none, opening /dev/kvm first; null when it is there. */
export async function ensureVm(
  run: LabRun,
  worker: LabWorker,
  type: StepArgs['vm create']['type'],
): Promise<LabOutcome | null> {
  if (worker.kvmFd < 0) {
    const opened = await run.call(worker, CALL.open, cString('/dev/kvm'), O_RDWR | O_CLOEXEC, 0);
    if (opened.ret < 0) return { ...opened, message: 'the guest has no /dev/kvm' };
    worker.kvmFd = opened.ret;
  }
  if (worker.vmFd < 0) {
    const number = type === 'swprot' ? SW_PROTECTED_VM : 0;
    const made = await run.call(worker, CALL.ioctl, worker.kvmFd, KVM.CREATE_VM, number);
    if (made.ret < 0) return made;
    worker.vmFd = made.ret;
  }
  return null;
}

async function setRegion(run: LabRun, worker: LabWorker, request: string): Promise<LabOutcome> {
  return run.call(worker, CALL.ioctl, worker.vmFd, KVM.SET_USER_MEMORY_REGION, request);
}

/** A vCPU, which its thread creates where it has one. */
async function ensureVcpu(
  run: LabRun,
  worker: LabWorker,
  index: number,
  thread: readonly string[],
): Promise<LabVcpu | LabOutcome> {
  const known = worker.vcpus.get(index);
  if (known) return known;
  const made = await run.ask(worker, ...thread, 'call', CALL.ioctl, worker.vmFd, KVM.CREATE_VCPU, index);
  if (made.ret < 0) return made;
  const { ret: runBytes } = await run.call(worker, CALL.ioctl, worker.kvmFd, KVM.GET_VCPU_MMAP_SIZE, 0);
  const area = await run.call(worker, CALL.mmap, 0, runBytes, READ_WRITE, SHARED, made.ret, 0);
  if (area.ret < 0) return area;
  const vcpu = { fd: made.ret, run: area.ret, runBytes };
  worker.vcpus.set(index, vcpu);
  return vcpu;
}

/** A thread with a CPU and a policy of its own, as a VMM's vCPU threads have them. */
async function startThread(
  run: LabRun,
  worker: LabWorker,
  id: number,
  { cpu, ...policy }: Pick<StepArgs['vm vcpu'], 'cpu' | 'mode' | 'flags' | 'nodes'>,
): Promise<LabOutcome> {
  const made = await run.ask(worker, 'thread', id);
  if (made.ret < 0) return made;
  const pinned = await run.ask(worker, `@${id}`, 'call', CALL.sched_setaffinity, 0, 8, mask([cpu]));
  if (pinned.ret < 0) return pinned;
  return asZero(await run.ask(worker, `@${id}`, 'call', CALL.set_mempolicy, ...policyWords(policy)));
}

/** Has the guest store a byte in each page of a range, by code that lies in the second page of an object. */
async function runGuest(
  run: LabRun,
  worker: LabWorker,
  index: number,
  thread: readonly string[],
  { gpa, bytes, code, step, random }: Omit<StepArgs['vm touch'], 'vcpu'>,
): Promise<LabOutcome> {
  const object = code === null ? undefined : worker.objects.get(code);
  if (!object || object.address === null) return usage();
  const start = object.address + PAGE_SIZE;
  const vcpu = await ensureVcpu(run, worker, index, thread);
  if (!('fd' in vcpu)) {
    // The code is there by then.
    await run.ask(worker, ...thread, 'call', CALL.madvise, start, PAGE_SIZE, POPULATE_WRITE);
    return vcpu;
  }
  const count = step === PAGE_SIZE ? pagesFor(bytes) : Math.ceil(bytes / step);
  const order = random ? [random.count, random.seed] : [];
  return run.ask(worker, ...thread, 'guest', vcpu.fd, vcpu.run, start, gpa, step, count, ...order);
}
