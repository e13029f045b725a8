import type { Inode } from './inode.ts';
import type { Policy } from './mempolicy.ts';
import type { Mm } from './mm.ts';
import type { Process, Task } from './task.ts';

/**
 * Where an accounting design may act: the places at which Linux has accounting calls of its own. One fixed shape, absent ones are
 * no-ops. Ranges are page indices of the file.
 */
export interface KernelHooks {
  /** Policy for new pages of a gmem from `index` on; `until` is the first index where the answer may differ. */
  choosePolicy: (inode: Inode, index: number, task: Task) => PolicyChoice | null;
  folioAllocated: (inode: Inode, index: number, count: number, task: Task) => void;
  /** Called before the folios leave the page cache. */
  folioFreed: (inode: Inode, index: number, count: number) => void;
  gmemReleased: (inode: Inode) => void;
  taskMoved: (process: Process) => void;
  forked: (parent: Process, child: Process) => void;
  /** First thing in exit, before the address space goes. */
  exiting: (process: Process) => void;
  /** Pages that count in the OOM killer's badness beyond RSS. */
  oomPages: (mm: Mm) => number;
}

export interface PolicyChoice {
  policy: Policy;
  until: number;
  /** Interleave by this file-offset rule instead of the thread's rotor; index of the page at `index`. */
  ilx?: number | undefined;
}

export const NO_HOOKS: KernelHooks = {
  choosePolicy: () => null,
  folioAllocated: () => undefined,
  folioFreed: () => undefined,
  gmemReleased: () => undefined,
  taskMoved: () => undefined,
  forked: () => undefined,
  exiting: () => undefined,
  oomPages: () => 0,
};
