import type { Errno } from '../units/errno.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import { allocateHugeFrames } from './huge-frames.ts';
import { hugetlbTargetsByPolicy } from './hugetlb-migrate.ts';
import type { Kernel } from './kernel.ts';
import type { Policy } from './mempolicy.ts';
import { migratePages, type Isolated } from './migrate.ts';
import { mbind } from './mmap.ts';
import { allocateFrames, forEachLane, type Piece } from './page-allocator.ts';
import { queuePages } from './queue-pages.ts';
import type { Task } from './task.ts';
import { indexOf } from './vma.ts';

/** What mbind(2) sets, and what it does about pages that are there: MPOL_MF_MOVE, MPOL_MF_STRICT. */
export interface BindRequest {
  policy: Policy | null;
  /** Nodes as the caller gave them: pages on these are where they belong, whatever the mode makes of them. */
  nodes: readonly number[];
  move: boolean;
  strict: boolean;
}

/**
 * mbind(2) (mm/mempolicy.c:do_mbind). Pages on other nodes than the given ones are taken off their lists first, then the policy is set, then
 * they move to where it puts them. STRICT alone fails before anything is set where a page is misplaced (EIO); with MOVE it fails
 * afterwards where one could not be moved. The default policy is never strict.
 */
export function mbindMoving(
  kernel: Kernel,
  task: Task,
  vpn: number,
  pages: number,
  request: BindRequest,
): Errno | 0 {
  const mm = task.process.mm!;
  const { policy, nodes, move } = request;
  const strict = request.strict && policy !== null;
  if (!move && !strict) return mbind(kernel, mm, vpn, pages, policy);
  const isMisplaced = (nid: number): boolean => !nodes.includes(nid);
  const all = queuePages(kernel, mm, vpn, pages, { isWanted: isMisplaced, all: true }).pages;
  if (strict && !move && all.length > 0 && isCovered(task, vpn, all[0]!.vpn)) return 'EIO';
  const queue = move ? queuePages(kernel, mm, vpn, pages, { isWanted: isMisplaced, all: false }).pages : [];
  const errno = mbind(kernel, mm, vpn, pages, policy);
  if (errno || queue.length === 0) return errno;
  const { failed, isOutOfMemory } = migratePages(
    kernel,
    queue,
    (source) => framesByPolicy(kernel, task, policy ?? task.policy, source),
    { mode: 'sync', reason: 'mempolicy-mbind' },
  );
  return strict && (failed > 0 || isOutOfMemory) ? 'EIO' : 0;
}

/** alloc_migration_target_by_mpol: interleaving goes by the address in the VMA, for shmem by inode and index. */
function framesByPolicy(kernel: Kernel, task: Task, policy: Policy | null, source: Isolated): Piece[] {
  const { vma, vpn, count, stride } = source;
  const ilx = (vma.file?.kind === 'shmem' ? vma.file.ino : 0) + indexOf(vma, vpn);
  if (vma.hugetlb) return hugetlbTargetsByPolicy(kernel, task, policy, indexOf(vma, vpn), source);
  if (source.isHuge) {
    // The index counts whole blocks.
    const block =
      (vma.file?.kind === 'shmem' ? vma.file.ino : 0) + Math.floor(indexOf(vma, vpn) / PAGES_PER_PMD);
    const request = { ilx: block, blocks: count / PAGES_PER_PMD, movable: true, mayReclaim: true };
    return allocateHugeFrames(kernel, task, policy, request).map(({ pfn, blocks, nid }) => ({
      pfn,
      count: blocks * PAGES_PER_PMD,
      nid,
    }));
  }
  const isInterleaved = policy?.mode === 'interleave' || policy?.mode === 'winterleave';
  if (!isInterleaved) return allocateFrames(kernel, task, policy, 0, count, true).flatMap(piecesOf(kernel));
  // Each target hangs on its own index.
  const out: Piece[] = [];
  for (let k = 0; k < count; k++) {
    const got = allocateFrames(kernel, task, policy, ilx + k * stride, 1, true).flatMap(piecesOf(kernel));
    if (got.length === 0) break;
    out.push(...got);
  }
  return out;
}

const piecesOf =
  (kernel: Kernel) =>
  (run: { count: number; period: number; lanes: number[] }): Piece[] => {
    const out: Piece[] = [];
    forEachLane(run.count, run.period, run.lanes, (pfn, count) =>
      out.push({ pfn, count, nid: kernel.nidOf(pfn) }),
    );
    return out;
  };

/** Whether VMAs cover a range up to a page without a hole. */
function isCovered(task: Task, vpn: number, to: number): boolean {
  let at = vpn;
  for (const vma of task.process.mm!.overlapping(vpn, to + 1)) {
    if (vma.start > at) return false;
    at = vma.end;
  }
  return at > to;
}
