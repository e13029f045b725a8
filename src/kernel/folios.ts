import type { FolioClass, FolioKind } from './folio-class.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { MEMCG_ITEM, type Memcg, type MemcgItem } from './memcg.ts';
import type { Policy } from './mempolicy.ts';
import { NODE_ITEM, type NodeItemName } from './node.ts';
import { outOfFrames, overHigh, overLimit, type Shortage } from './memory-pressure.ts';
import {
  allocateFrame,
  allocateFrames,
  forEachLane,
  freeFrames,
  type FrameRun,
  isMovable,
} from './page-allocator.ts';
import { dropSwapCache } from './swap-cache.ts';
import type { Process, Task } from './task.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/** Which node counters and memcg items a folio raises while it exists; those of mapping come on top (see rmap.ts). */
const RESIDENT: Readonly<Record<FolioKind, { node: readonly NodeItemName[]; memcg: readonly MemcgItem[] }>> =
  {
    // Multi-generational LRU puts fresh anonymous and shmem folios into a young generation, which counts as active.
    anon: { node: ['nr_active_anon'], memcg: ['active_anon'] },
    shmem: { node: ['nr_file_pages', 'nr_shmem', 'nr_active_anon'], memcg: ['file', 'shmem', 'active_anon'] },
    // AS_UNEVICTABLE: the folio goes to the unevictable list whatever its mappings.
    gmem: { node: ['nr_file_pages', 'nr_unevictable'], memcg: ['file', 'unevictable'] },
    file: { node: ['nr_file_pages', 'nr_inactive_file'], memcg: ['file', 'inactive_file'] },
    // Counted by their pool alone.
    hugetlb: { node: [], memcg: [] },
    kernel: { node: [], memcg: [] },
  };

interface Items {
  node: readonly number[];
  memcg: readonly number[];
}

const LRU_NODE: ReadonlySet<string> = new Set(['nr_active_anon', 'nr_inactive_anon', 'nr_inactive_file']);
const LRU_MEMCG: ReadonlySet<string> = new Set(['active_anon', 'inactive_anon', 'inactive_file']);

/** What a 2 MiB folio raises besides. */
const HUGE_RESIDENT: Readonly<Partial<Record<FolioKind, { node: NodeItemName; memcg: MemcgItem }>>> = {
  shmem: { node: 'nr_shmem_hugepages', memcg: 'shmem_thp' },
  gmem: { node: 'nr_file_hugepages', memcg: 'file_thp' },
};

/** The list that anonymous and tmpfs folios are on, by age. */
const LISTS = {
  active: { node: 'nr_active_anon', memcg: 'active_anon' },
  inactive: { node: 'nr_inactive_anon', memcg: 'inactive_anon' },
  file: { node: 'nr_inactive_file', memcg: 'inactive_file' },
} as const;
type List = keyof typeof LISTS;

/** An mlocked folio waits on the unevictable list instead of its own, and counts in Mlocked (mm/mlock.c:__mlock_folio). */
function itemsOf(kind: FolioKind, mlocked: boolean, isHuge: boolean, list: List): Items {
  const node = RESIDENT[kind].node.map((name) => (name === 'nr_active_anon' ? LISTS[list].node : name));
  const memcg = RESIDENT[kind].memcg.map((item) => (item === 'active_anon' ? LISTS[list].memcg : item));
  const huge = isHuge ? HUGE_RESIDENT[kind] : undefined;
  const nodeNames = mlocked ? node.map((name) => (LRU_NODE.has(name) ? 'nr_unevictable' : name)) : node;
  const memcgNames = mlocked ? memcg.map((item) => (LRU_MEMCG.has(item) ? 'unevictable' : item)) : memcg;
  return {
    node: [
      ...nodeNames.map((name) => NODE_ITEM[name]),
      ...(mlocked ? [NODE_ITEM.nr_mlock] : []),
      ...(huge ? [NODE_ITEM[huge.node]] : []),
    ],
    memcg: [...memcgNames.map((item) => MEMCG_ITEM[item]), ...(huge ? [MEMCG_ITEM[huge.memcg]] : [])],
  };
}

const KINDS = Object.keys(RESIDENT) as FolioKind[];
/** By position, for the hot path. */
const itemsTable = (mlocked: boolean, isHuge: boolean, list: List = 'active'): ItemsTable =>
  Object.fromEntries(KINDS.map((kind) => [kind, itemsOf(kind, mlocked, isHuge, list)])) as ItemsTable;
type ItemsTable = Readonly<Record<FolioKind, Items>>;
const PLAIN = itemsTable(false, false);
const MLOCKED = itemsTable(true, false);
const HUGE = itemsTable(false, true);
const HUGE_MLOCKED = itemsTable(true, true);
const OLD = itemsTable(false, false, 'inactive');
const HUGE_OLD = itemsTable(false, true, 'inactive');
const LAZY = itemsTable(false, false, 'file');
const HUGE_LAZY = itemsTable(false, true, 'file');

function tableFor({ mlocked, order, age }: FolioClass): ItemsTable {
  if (mlocked) return order === 0 ? MLOCKED : HUGE_MLOCKED;
  if (age === 'young') return order === 0 ? PLAIN : HUGE;
  if (age === 'lazy') return order === 0 ? LAZY : HUGE_LAZY;
  return order === 0 ? OLD : HUGE_OLD;
}

/** A request for single-page folios. */
export interface FolioRequest {
  kind: FolioKind;
  inode: Inode | null;
  policy: Policy | null;
  ilx: number;
  count: number;
  dirty: boolean;
  /** Who pays; absent or null: whoever asks. */
  memcg?: Memcg | null | undefined;
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
 * request goes on, unless the task itself was killed (EINTR) or nothing is left to kill (ENOMEM). Where pages ran short after some were got,
 * the answer has these alone and no failure: reclaim can find them only once the caller has entered them.
 */
export function allocateFolios(kernel: Kernel, task: Task, request: FolioRequest): FolioAnswer {
  const memcg = request.memcg ?? payerOf(kernel, task, request.kind, request.inode).memcg;
  const movable = isMovable(kernel, request.kind);
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
    const usage = memcg.usage;
    const charged = kernel.stocks[task.cpu]!.charge(memcg, request.count - done);
    if (charged === 0) {
      // What this call has got already is in no list that reclaim could find it by: the caller enters it and comes again.
      if (done > 0) return { runs, count: done, failed: null };
      const failed = overLimit(kernel, task, memcg, request.count, request.kind);
      if (failed) return { runs, count: done, failed };
      continue;
    }
    if (kernel.hasHighLimit) overHigh(kernel, task, memcg, memcg.usage - usage);
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
      if (done > 0) return { runs, count: done, failed: null };
      const failed = outOfFrames(kernel, task, request.policy, request.kind);
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
    const usage = memcg.usage;
    if (kernel.stocks[task.cpu]!.charge(memcg, 1) === 0) {
      const failed = overLimit(kernel, task, memcg, 1, kind);
      if (failed) return failed;
      continue;
    }
    if (kernel.hasHighLimit) overHigh(kernel, task, memcg, memcg.usage - usage);
    const pfn = allocateFrame(kernel, task, policy, ilx, isMovable(kernel, kind));
    if (pfn >= 0) {
      const folioClass = kernel.classes.of(kind, inode, memcg, task.process.worker, dirty);
      kernel.frames.allocate(pfn, 1, folioClass.id);
      accountFolios(kernel, folioClass, kernel.nidOf(pfn), 1);
      return pfn;
    }
    if (memcg.parent) memcg.uncharge(1);
    const failed = outOfFrames(kernel, task, policy, kind);
    if (failed) return failed;
  }
}

/**
 * Charges a page and gives the charge back: whether there is room for one, or why not. What a design does that charges before it knows whether
 * the page is new.
 */
export function tryCharge(kernel: Kernel, task: Task, kind: FolioKind, inode: Inode | null): Shortage | null {
  const { memcg } = payerOf(kernel, task, kind, inode);
  const stock = kernel.stocks[task.cpu]!;
  while (stock.charge(memcg, 1) === 0) {
    const failed = overLimit(kernel, task, memcg, 1, kind);
    if (failed) return failed;
  }
  stock.refund(memcg);
  return null;
}

/** Whose memcg pays: that of the task's process, unless a design says otherwise for a gmem. */
export function payerOf(kernel: Kernel, task: Task, kind: FolioKind, inode: Inode | null): Process {
  return (kind === 'gmem' && inode && kernel.hooks.chargeTo(inode, task)) || task.process;
}

/** Frees consecutive frames: statistics, charge, buddy (mm/swap.c:__folio_put). Huge folios go as a whole. */
export function freeFolios(kernel: Kernel, pfn: number, count: number): void {
  if (kernel.swap.slotOf.size > 0) dropSwapCache(kernel, pfn, count);
  kernel.frames.free(pfn, count, (start, n, id, maps) => {
    if (maps > 0) throw new Error(`frame ${start} freed while ${maps} page-table entries map it`);
    const folioClass = kernel.classes.get(id);
    accountFolios(kernel, folioClass, kernel.nidOf(start), -n);
    if (folioClass.memcg.parent) folioClass.memcg.uncharge(n);
    if (folioClass.order > 0) kernel.hugeFolios.free(start / PAGES_PER_PMD, n / PAGES_PER_PMD);
  });
  freeFrames(kernel, pfn, count);
}

/**
 * Sets or clears PG_mlocked of consecutive frames, with the counters that hang on it. A huge folio that is not in the range as a whole
 * stays as it is (mm/mlock.c:allow_mlock_munlock), and so does page cache of huge folios where a fault asks (mm/rmap.c:__folio_add_file_rmap).
 */
export function setMlocked(
  kernel: Kernel,
  pfn: number,
  count: number,
  mlocked: boolean,
  isFault: boolean = false,
): void {
  const pieces: { start: number; pages: number; id: number }[] = [];
  kernel.frames.forEach(pfn, count, (start, pages, id) => {
    const { order, kind } = kernel.classes.get(id);
    if (order === 0) {
      pieces.push({ start, pages, id });
      return;
    }
    if (isFault && kind !== 'anon' && !kernel.profile.rmapLocksHuge) return;
    const from = Math.ceil(Math.max(start, pfn) / PAGES_PER_PMD) * PAGES_PER_PMD;
    const to = Math.floor(Math.min(start + pages, pfn + count) / PAGES_PER_PMD) * PAGES_PER_PMD;
    if (from < to) pieces.push({ start: from, pages: to - from, id });
  });
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
  const items = tableFor(folioClass)[folioClass.kind];
  const node = kernel.nodes[nid]!;
  for (let i = 0; i < items.node.length; i++) node.addAt(items.node[i]!, pages);
  for (let i = 0; i < items.memcg.length; i++) folioClass.memcg.addAt(items.memcg[i]!, nid, pages);
  if (folioClass.kind === 'shmem' && !folioClass.inode?.reservesWhole) kernel.committed += pages;
}
