import { forkAnonVma } from './anon-vma.ts';
import { COLLAPSED } from './folio-class.ts';
import { copyHugetlb } from './hugetlb-maps.ts';
import { forkedHugetlb } from './hugetlb-vma.ts';
import type { Kernel } from './kernel.ts';
import { copyShadow } from './mirror.ts';
import { Mm } from './mm.ts';
import { munmap } from './mmap.ts';
import { mayCommit } from './overcommit.ts';
import { evictUnused } from './page-cache.ts';
import { forEachLevel, mapHuge } from './huge-maps.ts';
import { mapFrames } from './rmap.ts';
import type { Vma } from './vma.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import { allocateAccounted, freeAccounted } from './accounted-pages.ts';
import { type OpenFile, Process, Task } from './task.ts';
import { copySwapped } from './swap-slots.ts';
import type { Cgroup } from './cgroup.ts';

/** Who a new process is. */
export interface ProcessConfig {
  worker: string;
  comm: string;
  cmdline: readonly string[];
  /** 0 takes the next one. */
  pid: number;
  cgroup: Cgroup;
  cpu: number;
}

/** THREAD_SIZE: pages of a thread's kernel stack (with the guard of CONFIG_VMAP_STACK, without KASAN). */
export const STACK_PAGES = 4;

/** Starts a process with an empty address space. `parent` is the thread that forks: it places stack and top-level table and pays for them. */
export function spawnProcess(kernel: Kernel, config: ProcessConfig, parent: Task | null = null): Process {
  const pid = config.pid > 0 ? config.pid : freePid(kernel);
  const mm = new Mm({ pid, worker: config.worker });
  const process = new Process({
    worker: config.worker,
    pid,
    ppid: 1,
    comm: config.comm,
    cmdline: config.cmdline,
    cgroup: config.cgroup,
    mm,
    cpu: config.cpu,
    nid: kernel.cpuNode[config.cpu]!,
  });
  kernel.processes.set(config.worker, process);
  const payer = parent ?? process.main;
  allocateAccounted(kernel, payer, process.stacks, 'kernel_stack', STACK_PAGES);
  // The top-level table.
  allocateAccounted(kernel, payer, mm.tablePages, 'pagetables', 1);
  return process;
}

/** The next number that no process has. */
function freePid(kernel: Kernel): number {
  const taken = new Set([...kernel.processes.values()].map(({ pid }) => pid));
  while (taken.has(kernel.nextPid)) kernel.nextPid++;
  return kernel.nextPid++;
}

/**
 * fork(2) (kernel/fork.c:dup_mmap, mm/memory.c:copy_page_range): descriptors and policy are shared or copied, anonymous pages become
 * shared until written, page-table entries of shared file mappings are left to be faulted.
 */
export function forkProcess(kernel: Kernel, parent: Process, worker: string): Process | 'ENOMEM' {
  if (!mayFork(kernel, parent.mm!)) return 'ENOMEM';
  const child = spawnProcess(
    kernel,
    {
      worker,
      comm: parent.comm,
      cmdline: parent.cmdline,
      pid: 0,
      cgroup: parent.cgroup,
      cpu: parent.main.cpu,
    },
    parent.main,
  );
  child.uid = parent.uid;
  child.memsAllowed = parent.memsAllowed;
  child.oomScoreAdj = parent.oomScoreAdj;
  child.main.policy = parent.main.policy;
  child.main.ilPrev = parent.main.ilPrev;
  child.main.ilWeight = parent.main.ilWeight;
  for (const [fd, file] of parent.fds) {
    file.refs++;
    child.fds.set(fd, file);
  }
  const from = parent.mm!;
  const mm = child.mm!;
  Object.assign(mm.rlimits, from.rlimits);
  for (const vma of from.vmas) {
    if (vma.extraFlags.includes('dc')) continue;
    if (vma.isShadow) {
      copyShadow(kernel, from, mm, vma);
      continue;
    }
    // Locks are not inherited.
    mm.insert({
      ...vma,
      isLocked: false,
      anonVma: forkAnonVma(vma),
      hugetlb: vma.hugetlb && forkedHugetlb(vma.hugetlb),
    });
    if (vma.isAccounted) kernel.committed += vma.end - vma.start;
    if (vma.shared) continue;
    // mm/memory.c:vma_needs_copy: whatever else there is can be faulted again.
    if (!vma.anonVma && !vma.hugetlb) continue;
    if (vma.hugetlb) {
      notifyOfCopy(kernel, from, vma);
      copyHugetlb(kernel, child.main, from, mm, vma);
      continue;
    }
    const runs: (PresentRun & { isHuge: boolean })[] = [];
    forEachLevel(from, vma.start, vma.end - vma.start, (at, n, isHuge) => {
      from.pt.forEach(at, n, (vpn, count, period, lanes) => {
        runs.push({ vpn, count, period, lanes: [...lanes], isHuge });
      });
    });
    const swapped = copySwapped(kernel, from, mm, vma.start, vma.end - vma.start);
    for (const { vpn, count } of swapped) {
      allocateAccounted(kernel, child.main, mm.tablePages, 'pagetables', mm.tables.add(vpn, count));
    }
    notifyOfCopy(kernel, from, vma);
    for (const run of runs) {
      if (run.isHuge && vma.file) continue;
      allocateAccounted(kernel, child.main, mm.tablePages, 'pagetables', mm.tables.add(run.vpn, run.count));
      markShared(kernel, from, mm, run);
      if (run.isHuge) mapHuge(kernel, mm, run.vpn, run.lanes[0]!, run.count / PAGES_PER_PMD);
      else mapFrames(kernel, mm, run.vpn, run.count, run.period, run.lanes);
    }
    copyHugeZero(kernel, child.main, from, mm, vma);
    copyZeroPages(kernel, child.main, from, mm, vma);
  }
  mm.hiwaterVm = mm.totalVm;
  mm.noteRss();
  kernel.hooks.forked(parent, child);
  return child;
}

/** copy_page_range of memory that writes copy: second-level entries go, so that a guest that writes faults again. */
function notifyOfCopy(kernel: Kernel, mm: Mm, { start, end }: Vma): void {
  for (const notify of kernel.mmuNotifiers) notify(mm, start, end - start);
}

/** What a child commits as its parent has it, each mapping for itself unless there is a limit for all. */
function mayFork(kernel: Kernel, mm: Mm): boolean {
  const copied = mm.vmas.filter((vma) => vma.isAccounted && !vma.extraFlags.includes('dc'));
  const sizes = copied.map(({ start, end }) => end - start);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  return kernel.overcommit.mode === 2
    ? mayCommit(kernel, mm, all)
    : sizes.every((size) => mayCommit(kernel, mm, size));
}

interface PresentRun {
  vpn: number;
  count: number;
  period: number;
  lanes: readonly number[];
}

/** copy_present_page: what both map now is write-protected in both; the child has not used it yet. */
function markShared(kernel: Kernel, from: Mm, to: Mm, { vpn, count, period, lanes }: PresentRun): void {
  from.protectedPages.add(vpn, count);
  to.protectedPages.add(vpn, count);
  if (kernel.profile.forkedPagesAreOld) to.oldPages.add(vpn, count);
  else if (period === 1) {
    kernel.frames.forEach(lanes[0]!, count, (pfn, n, id) => {
      if (kernel.classes.get(id).marks & COLLAPSED) to.oldPages.add(vpn + pfn - lanes[0]!, n);
    });
  }
  if (from.cleanedPages.size === 0) return;
  for (const run of from.cleanedPages.runs(vpn, count)) to.cleanedPages.add(run.start, run.count);
}

/** copy_huge_pmd of the huge zero page: the child sets a table aside, too. */
function copyHugeZero(kernel: Kernel, child: Task, from: Mm, to: Mm, { start, end }: Vma): void {
  if (from.zeroBlocks.size === 0) return;
  const first = Math.ceil(start / PAGES_PER_PMD);
  from.zeroBlocks.forEachRun(first, Math.max(0, Math.floor(end / PAGES_PER_PMD) - first), (block, blocks) => {
    const added = to.tables.add(block * PAGES_PER_PMD, blocks * PAGES_PER_PMD);
    allocateAccounted(kernel, child, to.tablePages, 'pagetables', added);
    to.zeroBlocks.add(block, blocks);
  });
}

/** copy_present_pte of entries that map the zero page. */
function copyZeroPages(kernel: Kernel, child: Task, from: Mm, to: Mm, { start, end }: Vma): void {
  from.forEachZeroPage(start, end - start, (vpn, count) => {
    allocateAccounted(kernel, child, to.tablePages, 'pagetables', to.tables.add(vpn, count));
    to.zeroPages.add(vpn, count);
  });
}

/** clone(2) of a thread on a CPU, which the main thread starts. `name` is what others find it by. */
export function startThread(kernel: Kernel, process: Process, name: string, cpu: number): Task {
  const task = new Task({ process, cpu, nid: kernel.cpuNode[cpu]! });
  allocateAccounted(kernel, process.main, process.stacks, 'kernel_stack', STACK_PAGES);
  process.threads.set(name, task);
  return task;
}

/** exit(2) of a thread, whose stack is free at once. */
export function endThread(kernel: Kernel, process: Process, name: string): void {
  if (!process.threads.delete(name)) throw new Error(`${process.comm} has no thread ${name}`);
  freeAccounted(kernel, process.stacks, 'kernel_stack', STACK_PAGES);
}

/** do_exit: the address space first, then the files (kernel/exit.c). */
export function exitProcess(kernel: Kernel, process: Process): void {
  if (!process.isAlive) return;
  process.isAlive = false;
  kernel.hooks.exiting(process);
  const mm = process.mm!;
  mm.noteRss();
  for (const release of kernel.mmReleases) release(mm);
  if (mm.vmas.length > 0) {
    const first = mm.vmas[0]!.start;
    const last = mm.vmas[mm.vmas.length - 1]!.end;
    munmap(kernel, mm, first, last - first, true);
  }
  mm.tables.clear();
  freeAccounted(kernel, mm.tablePages, 'pagetables', mm.tablePages.count);
  const { anon, file, shmem, gmem } = mm.rss;
  if (anon !== 0 || file !== 0 || shmem !== 0 || gmem !== 0) {
    kernel.log.push(
      `BUG: Bad rss-counter state mm:${process.comm} anon:${anon} file:${file} shmem:${shmem}${gmem === 0 ? '' : ` gmem:${gmem}`}`,
    );
    kernel.onBadRss(process);
  }
  for (const fd of Array.from(process.fds.keys())) closeFd(kernel, process, fd);
  process.mm = null;
  freeAccounted(kernel, process.stacks, 'kernel_stack', process.stacks.count);
}

/** close(2). Returns false for a descriptor that is not open. */
export function closeFd(kernel: Kernel, process: Process, fd: number): boolean {
  const file = process.fds.get(fd);
  if (!file) return false;
  process.fds.delete(fd);
  putFile(kernel, file);
  return true;
}

/** Drops a reference to an open file; the last one releases what it stands for. */
export function putFile(kernel: Kernel, file: OpenFile): void {
  if (--file.refs > 0) return;
  kernel.onRelease(file);
  if (!file.inode) return;
  file.inode.refs--;
  evictUnused(kernel, file.inode);
}

/** Opens a descriptor on a new file description. */
export function installFd(process: Process, file: Omit<OpenFile, 'refs'>): number {
  const fd = process.nextFd();
  process.fds.set(fd, { ...file, refs: 1 });
  if (file.inode) file.inode.refs++;
  return fd;
}
