import { fillCache } from '../kernel/page-cache.ts';
import type { Task } from '../kernel/task.ts';
import type { Errno } from '../units/errno.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import { fillErrno } from './guest-memfd.ts';
import type { Kvm } from './kvm.ts';
import { hasGmem } from './memslot.ts';
import type { Vm } from './vm.ts';

/**
 * KVM_SEV_SNP_LAUNCH_UPDATE (arch/x86/kvm/svm/sev.c:snp_launch_update through kvm_gmem_populate): pages come from the gmem by the
 * ioctl's thread, contents are copied, nothing is mapped yet. Frames must be private and not prepared before.
 */
export function launchUpdate(kvm: Kvm, vm: Vm, task: Task, gpa: number, bytes: number): Errno | 0 {
  if (vm.type !== 'snp') return 'EINVAL';
  if (bytes <= 0 || gpa % PAGE_SIZE !== 0 || bytes % PAGE_SIZE !== 0) return 'EINVAL';
  const gfn = gpa / PAGE_SIZE;
  const count = bytes / PAGE_SIZE;
  const slot = vm.slotAt(gfn);
  if (!slot || !hasGmem(slot)) return 'EINVAL';
  const n = Math.min(count, slot.gfn + slot.pages - gfn);
  if (vm.privateGfns.countIn(gfn, n) < n) return 'EINVAL';
  const index = slot.gmemIndex + gfn - slot.gfn;
  if (slot.mapped.countIn(index, n) > 0 || slot.gmem.launched.countIn(index, n) > 0) return 'EEXIST';
  const failed = fillErrno(fillCache(kvm.kernel, task, slot.gmem, index, n, false));
  if (failed) return failed;
  slot.gmem.launched.add(index, n);
  return n < count ? launchUpdate(kvm, vm, task, gpa + n * PAGE_SIZE, bytes - n * PAGE_SIZE) : 0;
}

/** VMGEXIT_PSC_MAX_COUNT: entries in one page-state change buffer. */
const PSC_MAX_ENTRIES = 253;
const PAGES_2M = 512;

/**
 * Exits to the VMM that a conversion takes. Explicit: the guest describes the range with 4 KiB entries up to the first 2 MiB border,
 * 2 MiB entries, then 4 KiB entries; KVM forwards adjacent entries of one size within a buffer as one KVM_HC_MAP_GPA_RANGE. Implicit:
 * each 4 KiB frame that is accessed with the other C-bit is a KVM_EXIT_MEMORY_FAULT.
 */
export function conversionExits(gfn: number, count: number, how: 'explicit' | 'implicit'): number {
  if (how === 'implicit') return count;
  const end = gfn + count;
  const first = Math.min(end, Math.ceil(gfn / PAGES_2M) * PAGES_2M);
  const last = Math.max(first, Math.floor(end / PAGES_2M) * PAGES_2M);
  let at = 0;
  let exits = 0;
  for (const entries of [first - gfn, (last - first) / PAGES_2M, end - last]) {
    if (entries === 0) continue;
    exits += Math.floor((at + entries - 1) / PSC_MAX_ENTRIES) - Math.floor(at / PSC_MAX_ENTRIES) + 1;
    at += entries;
  }
  return exits;
}
