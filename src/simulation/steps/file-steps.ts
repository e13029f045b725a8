import { allowedNodes } from '../../kernel/cpuset.ts';
import type { Inode } from '../../kernel/inode.ts';
import { shmemBlockPages } from '../../kernel/shmem-huge.ts';
import { truncateRange } from '../../kernel/page-cache.ts';
import { recalcInode } from '../../kernel/recalc-inode.ts';
import { closeFd, installFd } from '../../kernel/process.ts';
import { joinMount } from '../../kernel/tmpfs-mount.ts';
import { fallocateShmem, writeCache } from '../../kernel/write-cache.ts';
import { createGmem, fallocateGmem, fillErrno, punchGmem } from '../../kvm/guest-memfd.ts';
import type { Errno } from '../../units/errno.ts';
import { PAGE_SIZE, PAGES_PER_PMD, pagesFor } from '../../units/pages.ts';
import { answered, done, failed, type Outcome } from '../outcome.ts';
import type { Worker, WorkerObject } from '../worker.ts';
import type { World } from '../world.ts';
import type { WorkerHandlers } from './handler.ts';
import { createHugetlb, fallocateHugetlb, punchHugetlbFile, truncateHugetlbFile } from './hugetlb-steps.ts';
import { mountOf } from './mount-step.ts';
import { addObject, findObject, usage } from './objects.ts';
import { ensureVm, isForeign } from './vm-steps.ts';

/** Steps on files by descriptor: gmem, memfd and regular files alike. */
export const FILE_STEPS: WorkerHandlers<
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
  'gmem create': (world, worker, { name, bytes, flags }) => {
    const holder = ensureVm(world, worker, 'default');
    if (typeof holder === 'string') return failed(holder, 'vm');
    if (isForeign(worker)) return failed('EIO');
    const made = createGmem(world.kvm, worker.process, holder.vm, { name, bytes, flags });
    if (typeof made === 'string') return failed(made);
    addObject(worker, name, 'gmem', made.inode, made.fd, made.inode.sizePages);
    return done(made.fd);
  },
  'memfd create': (world, worker, args) => {
    if (args.hugetlb) return createHugetlb(world, worker, args);
    const { name, bytes, file, cloexec } = args;
    if (exceedsFileLimit(worker, bytes)) return failed('EFBIG');
    const inode = world.kernel.newInode({
      kind: 'shmem',
      dev: '00:01',
      path: `/memfd:${file} (deleted)`,
      name,
      sizePages: pagesFor(bytes),
      cpu: worker.task.cpu,
    });
    const fd = installFd(worker.process, { kind: 'inode', inode, vm: null, link: inode.path });
    const object = addObject(worker, name, 'memfd', inode, fd, inode.sizePages);
    if (cloexec) object.isCloexec = true;
    return done(fd);
  },
  'file create': (world, worker, { name, bytes, path }) => {
    if (exceedsFileLimit(worker, bytes)) return failed('EFBIG');
    const mount = mountOf(world, path);
    const inode = world.kernel.newInode({
      kind: 'shmem',
      dev: mount?.dev ?? '00:02',
      path,
      name,
      sizePages: pagesFor(bytes),
      ino: mount ? mount.nextIno++ : world.kernel.nextAnonIno++,
      tmpfs: mount?.tmpfs ?? world.rootFiles,
    });
    joinMount(inode, allowedNodes(world.kernel, worker.process));
    // Its name keeps it, whoever closes it.
    inode.refs++;
    const fd = installFd(worker.process, { kind: 'inode', inode, vm: null, link: path });
    addObject(worker, name, 'file', inode, fd, inode.sizePages);
    return done(fd);
  },
  close: (world, worker, { name }) => {
    const object = findObject(worker, name);
    if (!object) return usage();
    if (object.fd < 0) return failed('EBADF');
    if (object.inode?.kind === 'gmem') world.view.unmapForPolicy(worker.process, object.inode);
    closeFd(world.kernel, worker.process, object.fd);
    object.fd = -1;
    return done();
  },
  fallocate: (world, worker, { name, offset, bytes }) =>
    withFile(worker, name, (inode) => answered(fallocate(world, worker, inode, offset, bytes))),
  punch: (world, worker, { name, offset, bytes }) =>
    withFile(worker, name, (inode) => answered(punch(world, worker, inode, offset, bytes))),
  punchstride: (world, worker, { name, offset, bytes, hole, stride }) =>
    withFile(worker, name, (inode) => {
      for (let at = offset; at < offset + bytes; at += stride) {
        const errno = punch(world, worker, inode, at, hole);
        if (errno) return failed(errno);
      }
      return done();
    }),
  ftruncate: (world, worker, { name, bytes }) =>
    withFile(worker, name, (inode) => {
      if (inode.kind === 'gmem') return failed('EINVAL');
      if (inode.kind === 'hugetlb') return truncateHugetlbFile(world, inode, bytes);
      const pages = pagesFor(bytes);
      if (pages > inode.sizePages && exceedsFileLimit(worker, bytes)) return failed('EFBIG');
      if (pages < inode.sizePages)
        truncateRange(world.kernel, worker.task, inode, pages, inode.sizePages - pages);
      inode.sizePages = pages;
      return done();
    }),
  read: (_world, worker, { name, offset }) =>
    withFile(worker, name, (inode) => {
      if (inode.kind === 'gmem') return failed('ESPIPE');
      return done(Math.max(0, Math.min(PAGE_SIZE, inode.sizePages * PAGE_SIZE - offset)));
    }),
  'write file': (world, worker, { name, offset, bytes }) =>
    withFile(worker, name, (inode) => {
      if (inode.kind === 'gmem') return failed('ESPIPE');
      if (inode.kind === 'hugetlb') return failed('EINVAL');
      const index = Math.floor(offset / PAGE_SIZE);
      const errno = fillErrno(
        writeCache(world.kernel, worker.task, inode, index, pagesFor(offset + bytes) - index),
      );
      inode.sizePages = Math.max(inode.sizePages, pagesFor(offset + bytes));
      return errno ? failed(errno) : done(bytes);
    }),
  stat: (world, worker, { name }) =>
    withFile(worker, name, (inode) => {
      recalcInode(world.kernel, inode);
      const isGmem = inode.kind === 'gmem';
      const words = {
        st_mode: isGmem ? '0100600' : '0100777',
        st_size: inode.sizePages * PAGE_SIZE,
        // A gmem never says how much it holds.
        st_blocks: isGmem ? 0 : inode.cache.size * 8,
        st_blksize:
          PAGE_SIZE * (inode.kind === 'hugetlb' ? PAGES_PER_PMD : shmemBlockPages(world.kernel, inode)),
        st_dev: `0x${Number.parseInt(inode.dev.split(':')[1]!, 16).toString(16)}`,
        st_ino: inode.ino,
        st_nlink: isGmem ? 1 : 0,
      };
      return done(
        0,
        Object.entries(words)
          .map(([key, value]) => `${key}=${value}`)
          .join(' '),
      );
    }),
};

/** RLIMIT_FSIZE (fs/attr.c:inode_newsize_ok): a file that would grow beyond it costs the process SIGXFSZ, which ends it. */
function exceedsFileLimit({ process }: Worker, bytes: number): boolean {
  if (bytes <= process.mm!.rlimits.fsize) return false;
  process.killedBy = `signal ${SIGXFSZ}`;
  return true;
}

const SIGXFSZ = 25;

function withFile(
  worker: Worker,
  name: string,
  run: (inode: Inode, object: WorkerObject) => Outcome,
): Outcome {
  const object = findObject(worker, name);
  if (!object) return usage();
  if (object.fd < 0 || !object.inode) return failed('EBADF');
  return run(object.inode, object);
}

/** fallocate(2) without FALLOC_FL_KEEP_SIZE for tmpfs (mm/shmem.c:shmem_fallocate), with it for gmem. */
function fallocate(world: World, worker: Worker, inode: Inode, offset: number, bytes: number): Errno | 0 {
  if (inode.kind === 'gmem') return fallocateGmem(world.kvm, worker.task, inode, offset, bytes);
  if (inode.kind === 'hugetlb') return fallocateHugetlb(world, worker, inode, offset, bytes);
  if (offset < 0 || bytes <= 0) return 'EINVAL';
  const index = Math.floor(offset / PAGE_SIZE);
  const end = pagesFor(offset + bytes);
  const absent: number[] = [];
  inode.cache.forEachGap(index, end - index, (at, n) => absent.push(at, n));
  const errno = fillErrno(fallocateShmem(world.kernel, worker.task, inode, index, end - index));
  // A call that fails takes back what it added, and nothing else (shmem_undo_range with unfalloc).
  for (let i = 0; errno && i < absent.length; i += 2) {
    truncateRange(world.kernel, worker.task, inode, absent[i]!, absent[i + 1]!);
  }
  if (!errno) inode.sizePages = Math.max(inode.sizePages, end);
  return errno;
}

/** FALLOC_FL_PUNCH_HOLE: tmpfs clears partial pages and frees whole ones. */
function punch(world: World, worker: Worker, inode: Inode, offset: number, bytes: number): Errno | 0 {
  if (inode.kind === 'gmem') return punchGmem(world.kvm, worker.task, inode, offset, bytes);
  if (inode.kind === 'hugetlb') return punchHugetlbFile(world, inode, offset, bytes);
  if (offset < 0 || bytes <= 0) return 'EINVAL';
  const index = pagesFor(offset);
  const end = Math.floor((offset + bytes) / PAGE_SIZE);
  if (index < end) truncateRange(world.kernel, worker.task, inode, index, end - index);
  return 0;
}
