/**
 * The contract between the engine and an accounting design. A strategy is three parts, one per axis; a part is one file: `meta`
 * and `create(view, options)`, which returns hooks. Parts import types from here and nothing else; their state lives in the
 * closure of `create`. Page counts and page indices are in 4 KiB pages.
 */
import type { Errno } from '../units/errno.ts';
import type { MigrateAnswer, MigrateAttempt } from '../units/migration.ts';
import type { Lane } from '../units/lanes.ts';
import type { PageLane, PageRuns } from '../units/page-runs.ts';

export type { Lane } from '../units/lanes.ts';
export type { PageLane, PageRuns } from '../units/page-runs.ts';
export type { MigrateAnswer, MigrateAttempt, MigrateMode, MigrateReason } from '../units/migration.ts';

export type Axis = 'placement' | 'accounting' | 'migration';
export const AXES: readonly Axis[] = ['placement', 'accounting', 'migration'];

export type OptionValue = string | number | boolean;
export type Options = Readonly<Record<string, OptionValue>>;

/** One option of a part, in the words of JSON Schema. */
export interface OptionSpec {
  type: 'boolean' | 'integer' | 'string';
  default: OptionValue;
  enum?: readonly OptionValue[];
  description: string;
}

export interface PartMeta {
  axis: Axis;
  /** Kebab-case; the file's name without extension. */
  id: string;
  title: string;
  /** One sentence: what it gains and what it costs. */
  summary: string;
  /** mainline: Linux does this; proposed: somebody described or posted it; what-if: ours. */
  origin: 'mainline' | 'proposed' | 'what-if';
  /** Kernel profiles in which it is mainline; absent: all of them when `origin` is mainline, else none. */
  mainlineIn?: readonly string[];
  /** Kernel function and version, or the thread that it comes from. */
  source: string;
  options: Readonly<Record<string, OptionSpec>>;
}

/** One design choice on one axis. */
export interface Part {
  meta: PartMeta;
  create(view: KernelView, options: Options): Hooks;
}

/** A process. */
export interface Proc {
  readonly pid: number;
  readonly worker: string;
  readonly isAlive: boolean;
  /** Its address space, and with it the RSS counters, still exists: also while it exits. */
  readonly hasCounters: boolean;
}

/** The thread that does something: its process, and the node of the CPU it runs on. */
export interface Thread {
  readonly process: Proc;
  readonly nid: number;
}

/** A guest_memfd inode. */
export interface Gmem {
  /** Unique in a world. */
  readonly id: number;
  readonly name: string;
  readonly sizePages: number;
}

/** A virtual machine; its address space is that of the process that made it (struct kvm: mm). */
export interface Vm {
  readonly id: number;
  readonly process: Proc;
}

/** A memslot bound to private memory. */
export interface Slot {
  readonly id: number;
  readonly vm: Vm;
  readonly gfn: number;
  readonly pages: number;
  readonly gmem: Gmem;
  /** Page index in the gmem of the slot's first page. */
  readonly gmemIndex: number;
  /** Page number of userspace_addr; 0 when the slot has no shared side. */
  readonly userspaceVpn: number;
}

/** A NUMA policy, as numa_maps would print it. */
export interface MemoryPolicy {
  readonly mode: 'local' | 'bind' | 'interleave' | 'preferred' | 'prefmany' | 'winterleave' | 'default';
  readonly flags: readonly ('static' | 'relative' | 'balancing')[];
  readonly nodes: readonly number[];
}

/** Which policy new pages of a file follow from an index on. */
export interface PolicyChoice {
  /** null: none of its own, so the kernel's rule applies. */
  readonly policy: MemoryPolicy | null;
  /** First index for which the answer may differ. */
  readonly until: number;
  /** Interleave by this index for the first page, counting up; absent: the thread's own counter decides. */
  readonly ilx?: number | undefined;
}

/** A range of pages of an address space that follows one policy. */
export interface PolicyRange {
  readonly start: number;
  readonly count: number;
  readonly policy: MemoryPolicy | null;
}

/** What a VMM asks for with `gmem policy`. */
export interface PolicyWish {
  readonly gmem: Gmem;
  readonly index: number;
  readonly count: number;
  /** null asks for no policy. */
  readonly policy: MemoryPolicy | null;
  readonly by: Thread;
  /** Move what is there already. */
  readonly move: boolean;
}

/**
 * Where Linux has accounting calls of its own. Absent hooks do nothing. `nodes` arrays hold pages per node; neither they nor `pages` may
 * be kept.
 */
export interface Hooks {
  gmemCreated?(gmem: Gmem, by: Proc, vm: Vm): void;
  /** The last reference went; its pages are still there. */
  gmemReleased?(gmem: Gmem): void;
  /** KVM_SET_USER_MEMORY_REGION2 with a gmem succeeded. */
  slotBound?(slot: Slot): void;
  slotDeleted?(slot: Slot): void;
  /** Policy for a page that is about to be allocated; null: no opinion, the kernel's own rule. */
  choosePolicy?(gmem: Gmem, index: number, thread: Thread): PolicyChoice | null;
  /** Whose memcg pays for a page that is about to be allocated; null: the allocating thread's process. */
  chargeTo?(gmem: Gmem, thread: Thread): Proc | null;
  folioAllocated?(gmem: Gmem, pages: PageRuns, nodes: ArrayLike<number>, by: Thread): void;
  folioFreed?(gmem: Gmem, index: number, count: number, nodes: ArrayLike<number>): void;
  /**
   * Guest faults on private pages are about to be answered, before mmu_lock is taken: so many pages, of which `present` are in the file already.
   * The reason that it returns ends the guest's run.
   */
  faulting?(slot: Slot, pages: number, present: number, by: Thread): 'ENOMEM' | 'EINTR' | null;
  /** Second-level page-table entries for private pages were installed. */
  tdpMapped?(slot: Slot, pages: PageRuns): void;
  tdpZapped?(slot: Slot, pages: PageRuns): void;
  /** A further root (system management mode, a nested guest) maps pages that the guest's own root maps already, or drops them. */
  rootMapped?(slot: Slot, pages: PageRuns): void;
  rootZapped?(slot: Slot, pages: PageRuns): void;
  /** KVM_SET_MEMORY_ATTRIBUTES changed something in the range. */
  converted?(vm: Vm, gfn: number, count: number, to: 'private' | 'shared'): void;
  taskMoved?(process: Proc): void;
  forked?(parent: Proc, child: Proc): void;
  /** First thing in exit, before the address space goes. */
  exiting?(process: Proc): void;
  /** The VMM asks for the placement of private memory. 0 or the errno that it gets. */
  policyWish?(wish: PolicyWish): Errno | 0;
  /** The same for a file of shared memory; absent: EINVAL, as the call knows private memory alone. */
  fileWish?(wish: PolicyWish): Errno | 0;
  /** The policy of a page's file, asked for by descriptor; absent: ENODEV, there is no such call. */
  policyQuery?(gmem: Gmem, index: number): MemoryPolicy | null;
  /** Pages that count in the OOM killer's badness beyond RSS. */
  oomPages?(process: Proc): number;
  /** Lines added to /proc/PID/status. */
  statusLines?(process: Proc): readonly { name: string; kb: number }[];
  /** Lines added to /proc/PID/fdinfo/N of a gmem. */
  fdinfoLines?(process: Proc, gmem: Gmem): readonly { key: string; value: string }[];
  /** Files added below /proc/PID: name to whole text. */
  procFiles?(process: Proc): Readonly<Record<string, string>>;
  /** Whether everybody may read the files that the design adds below /proc/PID; absent: yes. Else those who may trace the process. */
  isWorldReadable?(): boolean;
  /**
   * Whether mm may take pages of the file off their lists to move them. Absent: no (AS_INACCESSIBLE): compaction passes them over, and all other
   * movers get EOPNOTSUPP.
   */
  mayMigrate?(gmem: Gmem): boolean;
  /**
   * migrate_folio of the file's address space operations: asked for isolated pages that have their targets, after MMU notifiers were called
   * for whatever page tables of processes map them. Absent: 0, as for any file in the page cache. Slots, counters and charges move when it has
   * said 0; entries of the guest's page table stay as they are unless the design zaps them.
   */
  migrateFolio?(gmem: Gmem, pages: PageLane, attempt: MigrateAttempt): MigrateAnswer;
  /** Pages were moved: how many each node lost, and got. */
  folioMoved?(gmem: Gmem, pages: PageRuns, from: ArrayLike<number>, to: ArrayLike<number>): void;
  /**
   * MMU notifiers were called for the addresses at which a shadow VMA maps these pages: once for each folio that is about to move, or once for
   * a VMA that NUMA balancing scans.
   */
  shadowUnmapped?(gmem: Gmem, pages: PageLane, calls: number): void;
  /** Whether walks of an address space take its shadow VMAs for memory that can move (vma_migratable); absent: no. */
  shadowIsMigratable?(): boolean;
  /** Whether private pages are allocated as movable memory (GFP_HIGHUSER_MOVABLE); asked once. Absent: no. */
  allocatesMovable?(): boolean;
}

/** A VMA that stands for private memory: seen by VMA walkers, never usable for access. */
export interface ShadowOptions {
  /** Counts in total_vm (VmSize, RLIMIT_AS). */
  readonly countsInVm: boolean;
  /** Shown in maps, smaps and numa_maps. */
  readonly isListed: boolean;
  /** Page-table entries follow the page cache: each page is mapped from its allocation to its end. Else populateShadow installs them. */
  readonly mirrors: boolean;
  /** Flags of the VMA in the two letters of smaps: rd, wr (may be accessed), dc (left out by fork), dd, de, pf (entries name frames only), mm, mr, mw, sl (sealed). */
  readonly flags: readonly string[];
}

/**
 * What a design may do to kernel state. Each call changes counters that the one set of readers reads, and posts a ledger entry
 * where it attributes memory; sums are the engine's business.
 */
export interface KernelView {
  readonly kernel: string;
  readonly nodeCount: number;
  /**
   * Adds pages (negative: takes them back) to a counter of a process: MM_FILEPAGES, or one of its own for private memory. Throws when it would
   * become negative.
   */
  addRss(process: Proc, pages: number, reason: string, counter?: 'file' | 'gmem'): void;
  /** Pages in the counter of its own that a process has. */
  ownRss(process: Proc): number;
  /**
   * Charges a page to whoever pays for the file's pages, and gives the charge back: reclaim and the OOM killer run where there is no room for one.
   * Why there is none after that, or null.
   */
  tryCharge(gmem: Gmem, by: Thread): 'ENOMEM' | 'EINTR' | null;
  /** Pages of a file by node, from its page cache. */
  nodePages(gmem: Gmem): readonly number[];
  /** Calls `visit` for each stretch of present pages in a range of a file. */
  forEachPresent(
    gmem: Gmem,
    index: number,
    count: number,
    visit: (index: number, count: number) => void,
  ): void;
  /** Makes a shadow VMA for a range of a file; its page address, or what mmap(2) would fail with. */
  mapShadow(process: Proc, gmem: Gmem, index: number, count: number, options: ShadowOptions): number | Errno;
  /** Removes the shadow VMAs of a range of a file: a process's, or everybody's. */
  unmapShadow(process: Proc | null, gmem: Gmem, index: number, count: number): void;
  /** Installs page-table entries for present pages wherever shadow VMAs cover the range. */
  populateShadow(gmem: Gmem, pages: PageRuns): void;
  /** Removes those page-table entries again. */
  zapShadow(gmem: Gmem, pages: PageRuns): void;
  /** mbind(2) on shadow VMAs of the process: 0, or EFAULT where the range has none. */
  bindShadow(process: Proc, gmem: Gmem, index: number, count: number, policy: MemoryPolicy | null): Errno | 0;
  /** Policy of the shadow VMA over a page and where that may change; null: no shadow VMA stands there or beyond. */
  shadowPolicy(gmem: Gmem, index: number): PolicyChoice | null;
  /** The file's shared policy at a page; null: none. */
  sharedPolicy(gmem: Gmem, index: number): MemoryPolicy | null;
  /** Sets the file's shared policy (kept in the inode). */
  setSharedPolicy(gmem: Gmem, index: number, count: number, policy: MemoryPolicy | null): void;
  /** Maps a gmem into a process for mbind(2) alone, as a VMM does with GUEST_MEMFD_FLAG_MMAP; 0 or mmap's errno. Done once. */
  mapForPolicy(process: Proc, gmem: Gmem): Errno | 0;
  /** Policies that a fault at these addresses would follow (shared policy, else the VMA's), ascending, gaps left out. */
  policiesAt(process: Proc, vpn: number, count: number): readonly PolicyRange[];
  /** i_ino and page index of the file mapped at an address: its interleave index; null where no file is mapped. */
  interleaveIndexAt(process: Proc, vpn: number): number | null;
  /** Visits the stretches of a VM's guest frames in a range that have KVM_MEMORY_ATTRIBUTE_PRIVATE. */
  forEachPrivate(vm: Vm, gfn: number, count: number, visit: (gfn: number, count: number) => void): void;
  /** Removes entries of guests' page tables for pages of a file (kvm_gmem_invalidate_begin). */
  zapGuest(gmem: Gmem, pages: Lane): void;
  /** Visits those pages of a lane that a launch measured: which one of the lane's is the first, and how many of them follow. */
  forEachLaunched(gmem: Gmem, pages: PageLane, visit: (first: number, count: number) => void): void;
  /** Whether only the firmware can copy pages of the file: they belong to an SNP guest. */
  isEncrypted(gmem: Gmem): boolean;
  /** The VM that a gmem was made for. */
  vmOf(gmem: Gmem): Vm;
  /** That VM's process while it lives; null when it is gone. */
  livingOwner(gmem: Gmem): Proc | null;
  /** Processes with the gmem among their open files. */
  holdersOf(gmem: Gmem): readonly Proc[];
  /** Pages of the file that page tables of processes map. */
  mappedPages(gmem: Gmem): number;
  /** A map from page index to a small number, cheap for ranges and for single pages alike. */
  newPageMap(): PageMap;
  /** Counts an operation for the cost table (locks, walks, counter updates). */
  count(operation: string, times?: number): void;
  /** Says that the design keeps so many more (negative: fewer) of a structure of the cost table. Page maps count by themselves. */
  hold(structure: string, count: number): void;
}

/** Page index to a positive number (an owner's id). */
export interface PageMap {
  set(index: number, count: number, value: number): void;
  clear(index: number, count: number, visit: (index: number, count: number, value: number) => void): void;
  get(index: number): number | undefined;
}
