import type { Errno } from '../units/errno.ts';
import type { Kernel } from './kernel.ts';
import { migratePages, type NewFrames } from './migrate.ts';
import type { Mm } from './mm.ts';
import { takeHugePieces } from './huge-frames.ts';
import { hugetlbTargets } from './hugetlb-migrate.ts';
import { takePieces } from './page-allocator.ts';
import { along } from './placement.ts';
import { queuePages } from './queue-pages.ts';
import type { Task } from './task.ts';

/** Page addresses of user space. */
const TASK_PAGES = 2 ** 35;

/** alloc_migration_target with __GFP_THISNODE: frames of one node. */
export const framesOf =
  (kernel: Kernel, task: Task, nid: number): NewFrames =>
  ({ count, isHuge, vma, pfn }) =>
    vma.hugetlb
      ? hugetlbTargets(kernel, task, [nid], { pfn, count })
      : isHuge
        ? takeHugePieces(kernel, task, nid, count)
        : takePieces(kernel, task, along([nid]), count, true, false);

/**
 * migrate_pages(2) by a caller with CAP_SYS_NICE (mm/mempolicy.c:kernel_migrate_pages, do_migrate_pages): pages of `from` nodes go to the
 * node of the same position in `to`. Returns how many pages could not be moved, or an errno.
 */
export function migrateProcess(
  kernel: Kernel,
  caller: Task,
  mm: Mm,
  from: readonly number[],
  to: readonly number[],
): number | Errno {
  const targets = to.filter((nid) => (kernel.nodes[nid]?.pages ?? 0) > 0);
  if (targets.length === 0) return 'EINVAL';
  return moveNodes(kernel, caller, mm, from, targets);
}

/**
 * do_migrate_pages: node after node, in an order that takes no page twice where that can be had. Single pages of the program itself, which
 * the model does not place, go along: their entries are taken away with the RSS remembered (try_to_migrate_one).
 */
export function moveNodes(
  kernel: Kernel,
  caller: Task,
  mm: Mm,
  from: readonly number[],
  to: readonly number[],
): number | Errno {
  let failed = 0;
  mm.noteRss();
  const left = new Set(from);
  for (;;) {
    const pair = nextPair(from, to, left);
    if (!pair) return failed;
    left.delete(pair.source);
    const queue = queuePages(kernel, mm, 0, TASK_PAGES, {
      isWanted: (nid) => nid === pair.source,
      all: true,
    });
    const result = migratePages(kernel, queue.pages, framesOf(kernel, caller, pair.target), {
      mode: 'sync',
      reason: 'syscall',
    });
    if (result.isOutOfMemory) return 'ENOMEM';
    const stuck = [...mm.runFrames].filter((pfn) => kernel.nidOf(pfn) === pair.source).length;
    failed += queue.failed + result.failed + stuck;
  }
}

/** The next source whose target is no source any more; the last one that has a target where there is none such. */
function nextPair(
  from: readonly number[],
  to: readonly number[],
  left: ReadonlySet<number>,
): { source: number; target: number } | null {
  let found: { source: number; target: number } | null = null;
  for (const source of [...left].sort((a, b) => a - b)) {
    // Of unequal sets, what both hold stays.
    if (from.length !== to.length && to.includes(source)) continue;
    const target = to[from.indexOf(source) % to.length]!;
    if (target === source) continue;
    found = { source, target };
    if (!left.has(target)) break;
  }
  return found;
}
