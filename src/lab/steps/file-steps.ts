import type { StepArgs } from '../../scenario/types.ts';
import { failure, ok, usage, type LabOutcome, type LabRun } from '../lab-run.ts';
import type { LabObject, LabWorker } from '../lab-worker.ts';
import { CALL, cString, KVM, O_CREAT, O_RDWR, padding, struct } from '../system-calls.ts';
import type { WorkerSteps } from './step-handler.ts';
import { ensureVm } from './vm-steps.ts';

const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;
const MFD_CLOEXEC = 1;
/** MFD_HUGETLB with 2 MiB pages. */
const MFD_HUGETLB_2M = 4 | (21 << 26);
const READ_BYTES = 4096;
const STAT_BYTES = 144;

/** Steps on files by descriptor. */
export const FILE_STEPS: WorkerSteps<
  | 'gmem create'
  | 'memfd create'
  | 'file create'
  | 'close'
  | 'fallocate'
  | 'punch'
  | 'punchstride'
  | 'ftruncate'
  | 'read'
  | 'write file'
  | 'stat'
> = {
  'gmem create': async (run, worker, { name, bytes, flags }) => {
    const failed = await ensureVm(run, worker, 'default');
    if (failed) return failed;
    const request = struct([8, bytes], [8, flags], ...padding(6));
    const made = await run.call(worker, CALL.ioctl, worker.vmFd, KVM.CREATE_GUEST_MEMFD, request);
    if (made.ret >= 0) worker.add(name, 'gmem', made.ret, bytes);
    return made;
  },
  'memfd create': async (run, worker, { name, bytes, hugetlb, cloexec, file }) => {
    const flags = (hugetlb ? MFD_HUGETLB_2M : 0) | (cloexec ? MFD_CLOEXEC : 0);
    const made = await run.call(worker, CALL.memfd_create, cString(file), flags);
    return sized(run, worker, made, { name, kind: 'memfd', bytes, isHugetlb: hugetlb });
  },
  'file create': async (run, worker, { name, bytes, path }) => {
    const made = await run.call(worker, CALL.open, cString(path), O_RDWR | O_CREAT, 0o600);
    if (made.ret >= 0) run.paths.add(path);
    return sized(run, worker, made, { name, kind: 'file', bytes, isHugetlb: false });
  },
  close: async (run, worker, { name }) => {
    const object = worker.objects.get(name);
    if (!object) return usage();
    const closed = await run.call(worker, CALL.close, object.fd);
    object.fd = -1;
    return closed;
  },
  fallocate: async (run, worker, args) =>
    allocate(run, worker, args, (object) => (object.kind === 'gmem' ? KEEP_SIZE : 0)),
  punch: async (run, worker, args) => allocate(run, worker, args, () => PUNCH_HOLE | KEEP_SIZE),
  punchstride: async (run, worker, { name, offset, bytes, hole, stride }) =>
    withObject(worker, name, async ({ fd }) =>
      run.ask(worker, 'punch-stride', fd, offset, bytes, hole, stride),
    ),
  ftruncate: async (run, worker, { name, bytes }) =>
    withObject(worker, name, async ({ fd }) => run.call(worker, CALL.ftruncate, fd, bytes)),
  read: async (run, worker, { name, offset }) =>
    withObject(worker, name, async ({ fd }) => {
      const { ret, errno } = await run.call(worker, CALL.pread64, fd, `>${READ_BYTES}`, READ_BYTES, offset);
      return { ret, errno, message: '' };
    }),
  'write file': async (run, worker, { name, offset, bytes }) =>
    withObject(worker, name, async ({ fd }) => {
      let written = 0;
      while (written < bytes) {
        const length = Math.min(READ_BYTES, bytes - written);
        const data = `@${Buffer.alloc(length, 1).toString('hex')}`;
        const { ret, errno } = await run.call(worker, CALL.pwrite64, fd, data, length, offset + written);
        if (ret <= 0) return written > 0 ? ok(written) : failure(errno);
        written += ret;
      }
      return ok(written);
    }),
  stat: async (run, worker, { name }) =>
    withObject(worker, name, async ({ fd }) => {
      const { message, ...outcome } = await run.call(worker, CALL.fstat, fd, `>${STAT_BYTES}`);
      return outcome.ret < 0 ? { ...outcome, message: '' } : ok(0, statWords(Buffer.from(message, 'hex')));
    }),
};

/** Gives a new file its size and its name. */
async function sized(
  run: LabRun,
  worker: LabWorker,
  made: LabOutcome,
  object: { name: string; kind: 'memfd' | 'file'; bytes: number; isHugetlb: boolean },
): Promise<LabOutcome> {
  if (made.ret < 0) return made;
  const cut = await run.call(worker, CALL.ftruncate, made.ret, object.bytes);
  if (cut.ret < 0) return cut;
  worker.add(object.name, object.kind, made.ret, object.bytes, object.isHugetlb);
  return made;
}

async function allocate(
  run: LabRun,
  worker: LabWorker,
  { name, offset, bytes }: StepArgs['fallocate'],
  mode: (object: LabObject) => number,
): Promise<LabOutcome> {
  return withObject(worker, name, async (object) =>
    run.call(worker, CALL.fallocate, object.fd, mode(object), offset, bytes),
  );
}

async function withObject(
  worker: LabWorker,
  name: string,
  act: (object: LabObject) => Promise<LabOutcome>,
): Promise<LabOutcome> {
  const object = worker.objects.get(name);
  return object ? act(object) : usage();
}

/** struct stat as words. */
function statWords(stat: Buffer): string {
  const wide = (at: number): string => stat.readBigUInt64LE(at).toString();
  const words = {
    st_mode: `0${stat.readUInt32LE(24).toString(8)}`,
    st_size: wide(48),
    st_blocks: wide(64),
    st_blksize: wide(56),
    st_dev: `0x${stat.readBigUInt64LE(0).toString(16)}`,
    st_ino: wide(8),
    st_nlink: wide(16),
  };
  return Object.entries(words)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}
