import type { Kernel } from './kernel.ts';
import type { Policy } from './mempolicy.ts';
import { migratePages, type Isolated } from './migrate.ts';
import { framesOf } from './migrate-pages.ts';
import { forEachStretch } from './queue-pages.ts';
import type { Task } from './task.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import { isPfnmap, type Vma, indexOf } from './vma.ts';
import { vmaPolicy } from './vma-policy.ts';
import { PageLane } from '../units/page-runs.ts';

/** What one pass of NUMA balancing came to, in pages. */
export interface NumaPass {
  /** Present pages of VMAs that the scanner does not pass over. */
  scanned: number;
  /** Of these, pages whose entries became PROT_NONE, so that an access says from which node it comes. */
  hinted: number;
  moved: number;
  /** Misplaced, and could not be moved. */
  failed: number;
}

/**
 * NUMA balancing of the thread's address space: one pass of the scanner over all of it (kernel/sched/fair.c:task_numa_work), then an access of
 * this thread to every page that it prepared (mm/memory.c:do_numa_page), which brings misplaced ones to its node. Whoever mirrors the page
 * tables hears of each VMA that is scanned, so a guest loses its entries for shared memory and comes back as such an access. Simplified: the
 * whole address space in one pass, and the accesses of one thread that is steady enough for both stages of should_numa_migrate_memory.
 */
export function balanceNuma(kernel: Kernel, task: Task): NumaPass {
  const mm = task.process.mm!;
  const pass: NumaPass = { scanned: 0, hinted: 0, moved: 0, failed: 0 };
  for (const vma of mm.vmas) {
    const policy = vmaPolicy(vma) ?? task.policy;
    if (!isScanned(vma) || !migratesOnFault(policy)) continue;
    const misplaced: Isolated[] = [];
    let present = 0;
    forEachStretch(kernel, mm, vma, vma.start, vma.end - vma.start, (stretch, nid, maps) => {
      present += stretch.count;
      if (!getsHint(kernel, task, vma, stretch, nid, maps)) return;
      pass.hinted += stretch.count;
      kernel.event('numa_pte_updates', stretch.count);
      if (isHuge(kernel, stretch)) kernel.event('numa_huge_pte_updates', stretch.count / PAGES_PER_PMD);
      kernel.event('numa_hint_faults', stretch.count);
      if (nid === task.nid) kernel.event('numa_hint_faults_local', stretch.count);
      else if (!policy || policy.nodes.includes(task.nid)) misplaced.push(stretch);
    });
    if (present === 0) continue;
    pass.scanned += present;
    notify(kernel, task, vma);
    const request = { mode: 'async', reason: 'numa-misplaced' } as const;
    const { failed } = migratePages(kernel, misplaced, framesOf(kernel, task, task.nid), request);
    const moved = misplaced.reduce((sum, { count }) => sum + count, 0) - failed;
    kernel.event('numa_pages_migrated', moved);
    pass.failed += failed;
    pass.moved += moved;
  }
  return pass;
}

/**
 * VMAs that task_numa_work does not pass over: no huge pages of the pool, no VM_PFNMAP or VM_MIXEDMAP, no read-only mapping of a file (that is
 * program text), and something may be done with it (vma_is_accessible), which a shadow VMA is not made for.
 */
function isScanned(vma: Vma): boolean {
  if (vma.hugetlb || isPfnmap(vma) || vma.extraFlags.includes('mm')) return false;
  if (vma.file && vma.prot.startsWith('r-')) return false;
  return vma.prot !== '---';
}

/** vma_policy_mof: the default policy, and explicit ones with MPOL_F_NUMA_BALANCING. */
const migratesOnFault = (policy: Policy | null): boolean =>
  policy === null || policy.mode === 'default' || policy.flags.includes('balancing');

/**
 * mm/mprotect.c:change_pte_range with MM_CP_PROT_NUMA. Entries of a shadow VMA are PROT_NONE from the beginning, and nobody faults on them: the
 * guest comes by its own page table. Copy-on-write pages of several processes and dirty page cache are left alone, and so is what a process of
 * one thread has on the node where it runs.
 */
function getsHint(
  kernel: Kernel,
  task: Task,
  vma: Vma,
  { pfn }: Isolated,
  nid: number,
  maps: number,
): boolean {
  if (vma.isShadow) return false;
  const { kind, dirty } = kernel.classes.get(kernel.frames.classOf(pfn));
  if (!vma.shared && maps > 1) return false;
  if ((kind === 'file' || kind === 'gmem') && dirty) return false;
  return vma.shared || task.process.threads.size > 0 || nid !== task.nid;
}

const isHuge = (kernel: Kernel, { pfn }: Isolated): boolean =>
  kernel.classes.get(kernel.frames.classOf(pfn)).order > 0;

/** mmu_notifier_invalidate_range_start of change_protection. */
function notify(kernel: Kernel, task: Task, vma: Vma): void {
  const pages = vma.end - vma.start;
  for (const invalidate of kernel.mmuNotifiers) invalidate(task.process.mm!, vma.start, pages);
  if (!vma.isShadow) return;
  const scanned = new PageLane({ index: indexOf(vma, vma.start), count: pages, stride: 1 });
  kernel.hooks.shadowUnmapped(vma.file!, scanned, 1);
}
