import { GMEM_FLAG_INIT_SHARED } from '../kernel/gmem-access.ts';
import type { Inode } from '../kernel/inode.ts';
import { type FillFailure, fillCache, truncateRange } from '../kernel/page-cache.ts';
import { installFd } from '../kernel/process.ts';
import type { Process, Task } from '../kernel/task.ts';
import type { Errno } from '../units/errno.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import { initialShares } from './in-place.ts';
import type { Kvm } from './kvm.ts';
import { clipLane, type Lane } from '../units/lanes.ts';
import { zapLane } from './tdp.ts';
import type { Vm } from './vm.ts';

/** What KVM_CREATE_GUEST_MEMFD asks for; bytes. */
export interface GmemRequest {
  name: string;
  bytes: number;
  flags: number;
}

/** KVM_CREATE_GUEST_MEMFD (virt/kvm/guest_memfd.c:kvm_gmem_create): the descriptor and the file, or an errno. */
export function createGmem(
  kvm: Kvm,
  process: Process,
  vm: Vm,
  request: GmemRequest,
): { fd: number; inode: Inode } | Errno {
  const { kernel } = kvm;
  let valid = kernel.profile.gmemFlags;
  if (vm.hasPrivateMemory && !kernel.proposed.inPlaceConversion) valid &= ~GMEM_FLAG_INIT_SHARED;
  if ((request.flags & ~valid) !== 0) return 'EINVAL';
  if (request.bytes <= 0 || request.bytes % PAGE_SIZE !== 0) return 'EINVAL';
  const inode = kernel.newInode({
    kind: 'gmem',
    dev: kernel.profile.gmemDev,
    path: kernel.profile.gmemName,
    name: request.name,
    sizePages: request.bytes / PAGE_SIZE,
    ino: kernel.nextAnonIno++,
    flags: request.flags,
  });
  inode.sharedPages = initialShares(kernel, vm, request.flags, inode.sizePages);
  kvm.vmOfGmem.set(inode, vm);
  vm.refs++;
  const fd = installFd(process, { kind: 'inode', inode, vm: null, link: kernel.profile.gmemName });
  kvm.hooks.gmemCreated(inode, process, vm);
  return { fd, inode };
}

/** fallocate(FALLOC_FL_KEEP_SIZE): pages created before a failure stay. Offsets in bytes. */
export function fallocateGmem(kvm: Kvm, task: Task, inode: Inode, offset: number, bytes: number): Errno | 0 {
  const failed = checkRange(offset, bytes);
  if (failed) return failed;
  if ((offset + bytes) / PAGE_SIZE > inode.sizePages) return 'EINVAL';
  return fillErrno(fillCache(kvm.kernel, task, inode, offset / PAGE_SIZE, bytes / PAGE_SIZE, false));
}

/** fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE): entries of every VM go first, then the pages. No upper bound. */
export function punchGmem(kvm: Kvm, task: Task, inode: Inode, offset: number, bytes: number): Errno | 0 {
  const failed = checkRange(offset, bytes);
  if (failed) return failed;
  const index = offset / PAGE_SIZE;
  const count = Math.min(bytes / PAGE_SIZE, Math.max(0, inode.sizePages - index));
  if (count === 0) return 0;
  zapFileLane(kvm, inode, { index, count, stride: 1 });
  truncateRange(kvm.kernel, task, inode, index, count);
  return 0;
}

/** Why a call that fills the page cache fails. */
export const fillErrno = (failure: FillFailure): Errno | 0 => failure ?? 0;

function checkRange(offset: number, bytes: number): Errno | 0 {
  if (offset < 0 || bytes <= 0) return 'EINVAL';
  return offset % PAGE_SIZE !== 0 || bytes % PAGE_SIZE !== 0 ? 'EINVAL' : 0;
}

/** kvm_gmem_invalidate_begin: second-level entries of pages of the file. */
export function zapFileLane(kvm: Kvm, inode: Inode, lane: Lane): void {
  const vm = kvm.vmOfGmem.get(inode);
  if (!vm) return;
  for (const slot of vm.slots.values()) {
    if (slot.gmem !== inode) continue;
    const inside = clipLane(lane, slot.gmemIndex, slot.gmemIndex + slot.pages);
    const kind = slot.isInPlace ? 'all' : 'private';
    if (inside) zapLane(kvm, vm, { ...inside, index: inside.index + slot.gfn - slot.gmemIndex }, kind);
  }
}

/** kvm_gmem_release: slots lose the file, and with it their private entries. */
export function unbindFile(kvm: Kvm, inode: Inode): void {
  zapFileLane(kvm, inode, { index: 0, count: inode.sizePages, stride: 1 });
  const vm = kvm.vmOfGmem.get(inode);
  for (const slot of vm?.slots.values() ?? []) if (slot.gmem === inode) slot.gmem = null;
}
