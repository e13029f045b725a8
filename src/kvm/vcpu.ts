import { allocateAccounted, freeAccounted, reuseAccounted } from '../kernel/accounted-pages.ts';
import { KernelPages } from '../kernel/kernel-pages.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { PageStack } from '../kernel/page-stack.ts';
import { STACK_PAGES } from '../kernel/process.ts';
import type { Task } from '../kernel/task.ts';
import type { Vm } from './vm.ts';

/** Pages of a vCPU that are there from the start: the one that the VMM maps, and one for port I/O. */
export const VCPU_PAGES = 2;
/** KVM_ARCH_NR_OBJS_PER_MEMORY_CACHE: table pages in a full cache. */
const CACHE_PAGES = 40;
/** PT64_ROOT_MAX_LEVEL: what a fault may take at most; with fewer left the cache is filled. */
const FAULT_PAGES = 5;
/** Frames that one table of the lowest level maps. */
const TABLE_SPAN = 512;

/** A virtual CPU. Its cache of table pages belongs to it whatever thread runs it. */
export class Vcpu {
  readonly id: number;
  /** mmu_shadow_page_cache: pages without a place in a page table yet. */
  readonly cache: PageStack = new PageStack();
  /** struct kvm_run and the data page of port I/O. */
  readonly pages: KernelPages = new KernelPages();

  constructor(id: number) {
    this.id = id;
  }
}

/**
 * What the first KVM_RUN of a VM makes: the thread that would split huge pages (kvm_mmu_post_init_vm), and the root of the second-level
 * page table (kvm_mmu_load). The root is in no statistic of its own, since no entry links it.
 */
export function startRunning(kernel: Kernel, vm: Vm, task: Task): void {
  if (vm.rootPages.count > 0) return;
  allocateAccounted(kernel, task, vm.recoveryStack, 'kernel_stack', STACK_PAGES);
  const { cache } = vm.vcpuOf(task);
  topUp(kernel, task, cache);
  const kernelOther = { holder: cache, use: 'kernel_other' } as const;
  reuseAccounted(kernel, kernelOther, { holder: vm.rootPages, use: 'kernel_other' }, 1);
}

/**
 * Gives the second-level page table the tables that faults on consecutive frames need. They come from the cache of the vCPU, which is
 * filled before a fault is handled (arch/x86/kvm/mmu/mmu.c:mmu_topup_memory_caches): a table lies where the policy of the thread put
 * it, and is charged to whom the thread belonged to, when the cache was filled.
 */
export function addTables(kernel: Kernel, vm: Vm, task: Task, gfn: number, count: number): void {
  topUp(kernel, task, vm.vcpuOf(task).cache);
  linkTables(kernel, vm, task, vm.tables.add(gfn, count));
  // A frame behind the first one of its table is a fault of its own after that one.
  if (count > 1 && (gfn + count - 1) % TABLE_SPAN > 0) topUp(kernel, task, vm.vcpuOf(task).cache);
}

/**
 * Takes tables for faults one after the other: what the cache can spare, then full caches, each used until it must be filled again. All
 * these fillings are one allocation, so the cost does not grow with the tables.
 */
export function linkTables(kernel: Kernel, vm: Vm, task: Task, tables: number): void {
  const { cache } = vm.vcpuOf(task);
  const link = (count: number): void => {
    if (count === 0) return;
    const kernelOther = { holder: cache, use: 'kernel_other' } as const;
    reuseAccounted(kernel, kernelOther, { holder: vm.tablePages, use: 'sec_pagetables' }, count);
  };
  const spare = Math.min(tables, Math.max(0, cache.count - FAULT_PAGES + 1));
  link(spare);
  const missing = tables - spare;
  if (missing === 0) return;
  const fillings = Math.ceil(missing / TABLES_PER_FILLING);
  const filled = CACHE_PAGES - cache.count + (fillings - 1) * TABLES_PER_FILLING;
  allocateAccounted(kernel, task, cache, 'kernel_other', filled);
  link(missing);
}

/** Tables that a full cache gives before it has too few for another fault. */
const TABLES_PER_FILLING: number = CACHE_PAGES - FAULT_PAGES + 1;

/** Fills the cache of the vCPU before a fault is handled, whatever the fault turns out to need. */
export function prepareTables(kernel: Kernel, vm: Vm, task: Task): void {
  topUp(kernel, task, vm.vcpuOf(task).cache);
}

/** Whether every frame of a range has its table, so that faults there take none. */
export function hasTables(vm: Vm, gfn: number, count: number): boolean {
  const first = Math.floor(gfn / TABLE_SPAN);
  let isComplete = true;
  vm.tables.forEachLeafGap(first, Math.ceil((gfn + count) / TABLE_SPAN) - first, () => {
    isComplete = false;
  });
  return isComplete;
}

function topUp(kernel: Kernel, task: Task, cache: PageStack): void {
  const { count } = cache;
  if (count < FAULT_PAGES) allocateAccounted(kernel, task, cache, 'kernel_other', CACHE_PAGES - count);
}

/** The VMM reads why KVM_RUN came back, in a page of the vCPU that it maps (virt/kvm/kvm_main.c:kvm_vcpu_fault). */
export function readRunArea(vm: Vm, task: Task): void {
  vm.process.mm!.runFrames.add(runFrame(vm.vcpuOf(task)));
}

const runFrame = ({ pages }: Vcpu): number => pages.lots[0]!.pfn;

/** kvm_arch_destroy_vm, without the second-level page table below its root: vCPUs, root, thread, struct kvm. */
export function freeVmPages(kernel: Kernel, vm: Vm): void {
  for (const vcpu of vm.vcpus.values()) {
    const { cache, pages } = vcpu;
    vm.process.mm?.runFrames.delete(runFrame(vcpu));
    freeAccounted(kernel, cache, 'kernel_other', cache.count);
    freeAccounted(kernel, pages, 'kernel_other', pages.count);
  }
  vm.vcpus.clear();
  freeAccounted(kernel, vm.rootPages, 'kernel_other', vm.rootPages.count);
  freeAccounted(kernel, vm.recoveryStack, 'kernel_stack', vm.recoveryStack.count);
  freeAccounted(kernel, vm.structPages, kernel.profile.vmStruct.use, vm.structPages.count);
}
