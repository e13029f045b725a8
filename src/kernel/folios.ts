import type { FolioClass, FolioKind } from './folio-class.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { MEMCG_ITEM, type Memcg, type MemcgItem } from './memcg.ts';
import type { Policy } from './mempolicy.ts';
import { NODE_ITEM, type NodeItemName } from './node.ts';
import { oomKill } from './oom.ts';
import {
  allocateFrame,
  allocateFrames,
  forEachLane,
  freeFrames,
  type FrameRun,
  isMovable,
} from './page-allocator.ts';
import type { Process, Task } from './task.ts';

/** Which node counters and memcg items a folio raises while it exists; those of mapping come on top (see rmap.ts). */
const RESIDENT: Readonly<Record<FolioKind, { node: readonly NodeItemName[]; memcg: readonly MemcgItem[] }>> =
  {
    // Multi-generational LRU puts fresh anonymous and shmem folios into a young generation, which counts as active.
    anon: { node: ['nr_active_anon'], memcg: ['active_anon'] },
    shmem: { node: ['nr_file_pages', 'nr_shmem', 'nr_active_anon'], memcg: ['file', 'shmem', 'active_anon'] },
    // AS_UNEVICTABLE: the folio goes to the unevictable list whatever its mappings.
    gmem: { node: ['nr_file_pages', 'nr_unevictable'], memcg: ['file', 'unevictable'] },
    file: { node: ['nr_file_pages', 'nr_inactive_file'], memcg: ['file', 'inactive_file'] },
    kernel: { node: [], memcg: [] },
  };

interface Items {
  node: readonly number[];
  memcg: readonly number[];
}

const LRU_NODE: ReadonlySet<string> = new Set(['nr_active_anon', 'nr_inactive_file']);
const LRU_MEMCG: ReadonlySet<string> = new Set(['active_anon', 'inactive_file']);

/** An mlocked folio waits on the unevictable list instead of its own, and counts in Mlocked (mm/mlock.c:__mlock_folio). */
function itemsOf(kind: FolioKind, mlocked: boolean): Items {
  const { node, memcg } = RESIDENT[kind];
  const nodeNames = mlocked ? node.map((name) => (LRU_NODE.has(name) ? 'nr_unevictable' : name)) : node;
  const memcgNames = mlocked ? memcg.map((item) => (LRU_MEMCG.has(item) ? 'unevictable' : item)) : memcg;
  return {
    node: [...nodeNames.map((name) => NODE_ITEM[name]), ...(mlocked ? [NODE_ITEM.nr_mlock] : [])],
    memcg: memcgNames.map((item) => MEMCG_ITEM[item]),
  };
}

const KINDS = Object.keys(RESIDENT) as FolioKind[];
/** By position, for the hot path. */
const PLAIN = Object.fromEntries(KINDS.map((kind) => [kind, itemsOf(kind, false)])) as Record<
  FolioKind,
  Items
>;
const MLOCKED = Object.fromEntries(KINDS.map((kind) => [kind, itemsOf(kind, true)])) as Record<
  FolioKind,
  Items
>;

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
  const memcg = payerOf(kernel, task, request.kind, request.inode).memcg;
  const movable = isMovable(request.kind);
  const folioClass = kernel.classes.of(
    request.kind,
    request.inode,
    memcg,
    task.process.worker,
    request.dirty,
  );
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
        accountFolios(kernel, folioClass, kernel.nidOf(pfn), count);
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

/** allocateFolios for one page, without making arrays: its frame, or why there is none. */
export function allocateFolio(
  kernel: Kernel,
  task: Task,
  kind: FolioKind,
  inode: Inode | null,
  policy: Policy | null,
  ilx: number,
  dirty: boolean,
): number | 'ENOMEM' | 'EINTR' {
  const memcg = payerOf(kernel, task, kind, inode).memcg;
  for (;;) {
    if (kernel.stocks[task.cpu]!.charge(memcg, 1) === 0) {
      const failed = outOfMemory(kernel, task, memcg.overLimit(1));
      if (failed) return failed;
      continue;
    }
    const pfn = allocateFrame(kernel, task, policy, ilx, isMovable(kind));
    if (pfn >= 0) {
      const folioClass = kernel.classes.of(kind, inode, memcg, task.process.worker, dirty);
      kernel.frames.allocate(pfn, 1, folioClass.id);
      accountFolios(kernel, folioClass, kernel.nidOf(pfn), 1);
      return pfn;
    }
    if (memcg.parent) memcg.uncharge(1);
    const failed = outOfMemory(kernel, task, null);
    if (failed) return failed;
  }
}

/** Whose memcg pays: that of the task's process, unless a design says otherwise for a gmem. */
function payerOf(kernel: Kernel, task: Task, kind: FolioKind, inode: Inode | null): Process {
  return (kind === 'gmem' && inode && kernel.hooks.chargeTo(inode, task)) || task.process;
}

/** Frees consecutive frames: statistics, charge, buddy (mm/swap.c:__folio_put). */
export function freeFolios(kernel: Kernel, pfn: number, count: number): void {
  kernel.frames.free(pfn, count, (start, n, id, maps) => {
    if (maps > 0) throw new Error(`frame ${start} freed while ${maps} page-table entries map it`);
    const folioClass = kernel.classes.get(id);
    accountFolios(kernel, folioClass, kernel.nidOf(start), -n);
    if (folioClass.memcg.parent) folioClass.memcg.uncharge(n);
  });
  freeFrames(kernel, pfn, count);
}

/** Sets or clears PG_mlocked of consecutive frames, with the counters that hang on it. */
export function setMlocked(kernel: Kernel, pfn: number, count: number, mlocked: boolean): void {
  const pieces: { start: number; pages: number; id: number }[] = [];
  kernel.frames.forEach(pfn, count, (start, pages, id) => pieces.push({ start, pages, id }));
  for (const { start, pages, id } of pieces) {
    const before = kernel.classes.get(id);
    if (before.mlocked === mlocked) continue;
    const after = kernel.classes.withMlock(id, mlocked);
    accountFolios(kernel, before, kernel.nidOf(start), -pages);
    accountFolios(kernel, kernel.classes.get(after), kernel.nidOf(start), pages);
    kernel.frames.reclass(start, pages, () => after);
  }
}

/** Adds folios of a class to the counters of a node and of their memcg, or takes them out. */
export function accountFolios(kernel: Kernel, folioClass: FolioClass, nid: number, pages: number): void {
  const items = (folioClass.mlocked ? MLOCKED : PLAIN)[folioClass.kind];
  const node = kernel.nodes[nid]!;
  for (let i = 0; i < items.node.length; i++) node.addAt(items.node[i]!, pages);
  for (let i = 0; i < items.memcg.length; i++) folioClass.memcg.addAt(items.memcg[i]!, nid, pages);
  if (folioClass.kind === 'shmem' && !folioClass.inode?.reservesWhole) kernel.committed += pages;
}

function outOfMemory(kernel: Kernel, task: Task, limit: Memcg | null): 'ENOMEM' | 'EINTR' | null {
  if (task.process.killedBy !== null) return 'EINTR';
  limit?.event('max');
  const victim = oomKill(kernel, task, limit);
  if (!victim) return 'ENOMEM';
  return task.process.killedBy === null ? null : 'EINTR';
}
