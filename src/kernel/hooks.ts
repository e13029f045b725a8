import type { MigrateAnswer, MigrateAttempt } from '../units/migration.ts';
import type { PageLane, PageRuns } from '../units/page-runs.ts';
import type { Inode } from './inode.ts';
import type { Policy } from './mempolicy.ts';
import type { Process, Task } from './task.ts';

/**
 * Where an accounting design may act in mm: the places at which Linux has accounting calls of its own. One fixed shape, absent ones
 * are no-ops. Ranges are page indices of a gmem; `nodes` arrays hold pages per node.
 */
export interface KernelHooks {
  /** Policy for new pages of a gmem from `index` on; `until` is the first index where the answer may differ. */
  choosePolicy: (inode: Inode, index: number, task: Task) => PolicyChoice | null;
  /** The process whose memcg pays for new pages of a gmem; null: that of the task. */
  chargeTo: (inode: Inode, task: Task) => Process | null;
  folioAllocated: (inode: Inode, pages: PageRuns, nodes: Float64Array, task: Task) => void;
  folioFreed: (inode: Inode, index: number, count: number, nodes: Float64Array) => void;
  taskMoved: (process: Process) => void;
  forked: (parent: Process, child: Process) => void;
  /** First thing in exit, before the address space goes. */
  exiting: (process: Process) => void;
  /** Pages that count in the OOM killer's badness beyond RSS. */
  oomPages: (process: Process) => number;
  /** Whether mm may isolate pages of a gmem (its mapping is not AS_INACCESSIBLE). */
  mayMigrate: (inode: Inode) => boolean;
  /** migrate_folio of a gmem's address space operations, for isolated and unmapped pages that have their targets. */
  migrateFolio: (inode: Inode, pages: PageLane, attempt: MigrateAttempt) => MigrateAnswer;
  /** Pages have other frames: pages by node before and after. */
  folioMoved: (inode: Inode, pages: PageRuns, from: Float64Array, to: Float64Array) => void;
  /** MMU notifiers were called for entries of a shadow VMA that map pages of its file. */
  shadowUnmapped: (inode: Inode, pages: PageLane, calls: number) => void;
  /** Whether walks of page tables take shadow VMAs for memory that can move (vma_migratable). */
  shadowIsMigratable: () => boolean;
}

export interface PolicyChoice {
  /** null: none of the design's own, the kernel's rule applies up to `until`. */
  policy: Policy | null;
  until: number;
  /** Interleave index of the page at `index`, counting up from there; absent: the thread's rotor decides. */
  ilx?: number | undefined;
}

export const NO_HOOKS: KernelHooks = {
  choosePolicy: () => null,
  chargeTo: () => null,
  folioAllocated: () => undefined,
  folioFreed: () => undefined,
  taskMoved: () => undefined,
  forked: () => undefined,
  exiting: () => undefined,
  oomPages: () => 0,
  mayMigrate: () => false,
  migrateFolio: (_inode, { count }) => ({ errno: 0, count }),
  folioMoved: () => undefined,
  shadowUnmapped: () => undefined,
  shadowIsMigratable: () => false,
};
