import { fillHugetlb, punchHugetlb, truncateHugetlbFrom } from '../../kernel/hugetlb-file.ts';
import { newHugetlbInode } from '../../kernel/hugetlb-mmap.ts';
import type { Inode } from '../../kernel/inode.ts';
import { installFd } from '../../kernel/process.ts';
import type { StepArgs } from '../../scenario/types.ts';
import type { Errno } from '../../units/errno.ts';
import { PAGE_SIZE, PAGES_PER_PMD, pagesFor } from '../../units/pages.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { Worker } from '../worker.ts';
import type { World } from '../world.ts';
import { addObject } from './objects.ts';

const HUGE_BYTES: number = PAGE_SIZE * PAGES_PER_PMD;

/** memfd_create with MFD_HUGETLB, then ftruncate to the size, which must be whole huge pages. */
export function createHugetlb(world: World, worker: Worker, args: StepArgs['memfd create']): Outcome {
  const { name, bytes, file } = args;
  const path = `/memfd:${file} (deleted)`;
  const isWhole = bytes % HUGE_BYTES === 0;
  const inode = newHugetlbInode(world.kernel, { path, name, sizePages: isWhole ? pagesFor(bytes) : 0 });
  const fd = installFd(worker.process, { kind: 'inode', inode, vm: null, link: path });
  if (!isWhole) return failed('EINVAL');
  addObject(worker, name, 'memfd', inode, fd, inode.sizePages);
  return done(fd);
}

/** fs/hugetlbfs/inode.c:hugetlbfs_fallocate: under the policy of the thread; what was got before a failure stays. */
export function fallocateHugetlb(
  world: World,
  worker: Worker,
  inode: Inode,
  offset: number,
  bytes: number,
): Errno | 0 {
  if (offset < 0 || bytes <= 0) return 'EINVAL';
  const first = Math.floor(offset / HUGE_BYTES);
  const end = Math.ceil((offset + bytes) / HUGE_BYTES);
  const { task } = worker;
  const failure = fillHugetlb(world.kernel, task, inode, first, end - first, task.policy);
  if (failure) return failure;
  inode.sizePages = Math.max(inode.sizePages, pagesFor(offset + bytes));
  return 0;
}

/** FALLOC_FL_PUNCH_HOLE of whole huge pages. */
export function punchHugetlbFile(world: World, inode: Inode, offset: number, bytes: number): Errno | 0 {
  if (offset < 0 || bytes <= 0) return 'EINVAL';
  const index = pagesFor(offset);
  punchHugetlb(world.kernel, inode, index, Math.floor((offset + bytes) / PAGE_SIZE) - index);
  return 0;
}

/** fs/hugetlbfs/inode.c:hugetlb_vmtruncate. */
export function truncateHugetlbFile(world: World, inode: Inode, bytes: number): Outcome {
  if (bytes % HUGE_BYTES !== 0) return failed('EINVAL');
  if (bytes < inode.sizePages * PAGE_SIZE) truncateHugetlbFrom(world.kernel, inode, bytes / HUGE_BYTES);
  inode.sizePages = bytes / PAGE_SIZE;
  return done();
}
