import type { FolioClass, FolioKind } from './folio-class.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg, NodeItem } from './memcg.ts';
import type { Policy } from './mempolicy.ts';
import type { NodeCounters } from './node.ts';
import { oomKill } from './oom.ts';
import { allocateFrames, forEachLane, freeFrames, type FrameRun, isMovable } from './page-allocator.ts';
import type { Task } from './task.ts';

/** Which node counters and memcg items a folio raises while it exists; those of mapping come on top (see rmap.ts). */
const RESIDENT: Readonly<
  Record<FolioKind, { node: readonly (keyof NodeCounters)[]; memcg: readonly NodeItem[] }>
> = {
  // Multi-generational LRU puts fresh anonymous and shmem folios into a young generation, which counts as active.
  anon: { node: ['nr_active_anon'], memcg: ['active_anon'] },
  shmem: { node: ['nr_file_pages', 'nr_shmem', 'nr_active_anon'], memcg: ['file', 'shmem', 'active_anon'] },
  // AS_UNEVICTABLE: the folio goes to the unevictable list whatever its mappings.
  gmem: { node: ['nr_file_pages', 'nr_unevictable'], memcg: ['file', 'unevictable'] },
  file: { node: ['nr_file_pages', 'nr_inactive_file'], memcg: ['file', 'inactive_file'] },
  kernel: { node: [], memcg: [] },
};

/** A request for single-page folios. */
export interface FolioRequest {
  kind: FolioKind;
  inode: Inode | null;
  policy: Policy | null;
  ilx: number;
  count: number;
  dirty: boolean;
}

/** Frames got, in page order; `failed` is set when they are fewer than asked for. */
export interface FolioAnswer {
  runs: FrameRun[];
  count: number;
  failed: 'ENOMEM' | 'EINTR' | null;
}

/**
 * Allocates and charges folios for a task (mm/filemap.c:filemap_alloc_folio, mm/memcontrol.c:__mem_cgroup_charge). The memcg is that
 * of the task's process, the node follows the policy. Where a limit or the memory itself is in the way the OOM killer runs and the
 * request goes on, unless the task itself was killed (EINTR) or nothing is left to kill (ENOMEM).
 */
export function allocateFolios(kernel: Kernel, task: Task, request: FolioRequest): FolioAnswer {
  const process = task.process;
  const memcg = process.memcg;
  const movable = isMovable(request.kind);
  const folioClass = kernel.classes.of(request.kind, request.inode, memcg, process.worker, request.dirty);
  const runs: FrameRun[] = [];
  let done = 0;
  let ilx = request.ilx;
  while (done < request.count) {
    const charged = kernel.stocks[task.cpu]!.charge(memcg, request.count - done);
    if (charged === 0) {
      const failed = outOfMemory(kernel, task, memcg.overLimit(1));
      if (failed) return { runs, count: done, failed };
      continue;
    }
    const got = allocateFrames(kernel, task, request.policy, ilx, charged, movable);
    let pages = 0;
    for (const run of got) {
      pages += run.count;
      forEachLane(run.count, run.period, run.lanes, (pfn, count) => {
        kernel.frames.allocate(pfn, count, folioClass.id);
        account(kernel, folioClass, kernel.nidOf(pfn), count);
      });
      runs.push(run);
    }
    done += pages;
    if (ilx >= 0) ilx += pages;
    if (pages < charged) {
      if (memcg.parent) memcg.uncharge(charged - pages);
      const failed = outOfMemory(kernel, task, null);
      if (failed) return { runs, count: done, failed };
    }
  }
  return { runs, count: done, failed: null };
}

/** Frees consecutive frames: statistics, charge, buddy (mm/swap.c:__folio_put). */
export function freeFolios(kernel: Kernel, pfn: number, count: number): void {
  kernel.frames.free(pfn, count, (start, n, id, maps) => {
    if (maps > 0) throw new Error(`frame ${start} freed while ${maps} page-table entries map it`);
    const folioClass = kernel.classes.get(id);
    account(kernel, folioClass, kernel.nidOf(start), -n);
    if (folioClass.memcg.parent) folioClass.memcg.uncharge(n);
  });
  freeFrames(kernel, pfn, count);
}

function account(kernel: Kernel, folioClass: FolioClass, nid: number, pages: number): void {
  const items = RESIDENT[folioClass.kind];
  const node = kernel.nodes[nid]!;
  for (const name of items.node) node.add(name, pages);
  for (const item of items.memcg) folioClass.memcg.add(item, nid, pages);
  if (folioClass.kind === 'shmem' && !folioClass.inode?.reservesWhole) kernel.committed += pages;
}

function outOfMemory(kernel: Kernel, task: Task, limit: Memcg | null): 'ENOMEM' | 'EINTR' | null {
  if (limit) limit.events['max'] = (limit.events['max'] ?? 0) + 1;
  const victim = oomKill(kernel, task, limit);
  if (!victim) return 'ENOMEM';
  return task.process.isAlive ? null : 'EINTR';
}
