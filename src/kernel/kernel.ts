import { FolioClasses } from './folio-class.ts';
import { FrameTable } from './frame-table.ts';
import type { GmemMigration, GmemStretch } from './gmem-stretch.ts';
import { type KernelHooks, NO_HOOKS } from './hooks.ts';
import { HugetlbPool } from './hugetlb-pool.ts';
import { Inode, type InodeKind } from './inode.ts';
import { KernelPages } from './kernel-pages.ts';
import { buildZonelists, type MachineConfig } from './machine.ts';
import { Cgroup } from './cgroup.ts';
import { ChargeStock, Memcg } from './memcg.ts';
import type { Policy } from './mempolicy.ts';
import type { Mm } from './mm.ts';
import { NumaNode } from './node.ts';
import { bootedOvercommit, type Overcommit } from './overcommit.ts';
import type { KernelProfile } from './profiles.ts';
import { NO_PROPOSALS, type Proposals } from './proposals.ts';
import { RangeSet } from './range-set.ts';
import type { OpenFile, Process, Task } from './task.ts';
import type { ReclaimRequest } from './lruvecs.ts';
import { SwapArea } from './swap-area.ts';
import { NO_THP, type ThpSettings } from './thp-settings.ts';
import { buildZones } from './build-zones.ts';
import { freshWatermarks, recommendMinFree, resetMinFree, type Watermarks } from './watermarks.ts';
import type { Zone } from './zone.ts';

/** Inode numbers that a CPU takes at once. */
const SHMEM_INO_BATCH = 1024;

/** One running kernel: all state of a world. Behaviour stands in the files beside, each following the kernel file it names. */
export class Kernel {
  readonly profile: KernelProfile;
  readonly machine: MachineConfig;
  readonly nodes: readonly NumaNode[];
  /** All zones in physical order. */
  readonly zones: readonly Zone[];
  /** Numbers of the memory blocks that are offline. */
  readonly offlineBlocks: Set<number> = new Set<number>();
  /** Memory blocks taken offline so far, per node. */
  readonly offlined: number[];
  /** vm.compact_unevictable_allowed. */
  readonly compactUnevictable: boolean;
  readonly watermarks: Watermarks = freshWatermarks();
  /** Fallback order per preferred node. */
  readonly zonelists: readonly (readonly number[])[];
  readonly frames: FrameTable = new FrameTable();
  /** The blocks of 512 frames that are 2 MiB folios, and how many huge page-table entries map each (struct folio's entire_mapcount). */
  readonly hugeFolios: FrameTable = new FrameTable();
  /** The pool of huge pages that programs ask for by name. */
  readonly hugetlb: HugetlbPool;
  /** What a proposal that no released kernel has would change. */
  readonly proposed: Proposals;
  /** /sys/kernel/mm/transparent_hugepage. */
  thp: ThpSettings = { ...NO_THP, enabled: 'always' };
  readonly classes: FolioClasses = new FolioClasses();
  readonly memcgs: Map<string, Memcg> = new Map<string, Memcg>();
  readonly rootMemcg: Memcg;
  /** The directories of cgroupfs by path. */
  readonly cgroups: Map<string, Cgroup> = new Map<string, Cgroup>();
  readonly rootCgroup: Cgroup;
  /** Removed groups that still hold charges. */
  readonly dyingMemcgs: Set<Memcg> = new Set<Memcg>();
  /** cpuset.mems of the groups that have their own. */
  readonly cpusetMems: Map<Cgroup, Policy> = new Map<Cgroup, Policy>();
  /** Charge stock per CPU. */
  readonly stocks: readonly ChargeStock[];
  readonly processes: Map<string, Process> = new Map<string, Process>();
  readonly inodes: Set<Inode> = new Set<Inode>();
  /** Weighted-interleave weight per node. */
  readonly weights: number[];
  readonly cpuNode: readonly number[];
  /** Committed_AS, pages. */
  committed = 0;
  readonly overcommit: Overcommit;
  /** vm events by /proc/vmstat name. */
  readonly vmEvents: Record<string, number> = {};
  hooks: KernelHooks = NO_HOOKS;
  /** gmem is allocated as memory that can move (GFP_HIGHUSER_MOVABLE): from movable pageblocks, and from ZONE_MOVABLE. */
  gmemIsMovable = false;
  /** Pages of a gmem are at other frames, or gone from the file; their old ones, from `pfn` on, are free. Whoever still uses those is wrong. */
  gmemLeftFrames: (stretch: GmemStretch) => void = () => undefined;
  /** migrate_pages() is through with pages of a gmem. */
  gmemMigrated: (outcome: GmemMigration) => void = () => undefined;
  /** Frames that soft offlining has taken out of use (PG_hwpoison). */
  readonly poisoned: RangeSet = new RangeSet();
  /** do_exit of a killed process; the OOM killer stands below the code that takes address spaces down. */
  exitProcess: (process: Process) => void = () => {
    throw new Error('no exit path');
  };
  /** Frees pages that can be had again (mm/vmscan.c); stands above the allocator for the same reason. Returns how many. */
  reclaim: (request: ReclaimRequest) => number = () => 0;
  readonly swap: SwapArea = new SwapArea();
  /** vm.swappiness. */
  swappiness = 60;
  /** Some folios are no longer young: an access has something to note. */
  hasAgedFolios = false;
  /** Some group has a memory.high. */
  hasHighLimit = false;
  /** Page-table entries of shadow VMAs that were made and taken away, and reverse-map walks that found a VMA of private memory. */
  readonly shadowWork = { installed: 0, removed: 0, rmapWalks: 0, scanned: 0 };
  /** MMU notifiers: called before user page-table entries of `count` pages go, which are `stride` apart (absent: 1, a range). */
  mmuNotifiers: ((mm: Mm, vpn: number, count: number, stride?: number) => void)[] = [];
  /** MMU notifiers: an address space goes for good. */
  mmReleases: ((mm: Mm) => void)[] = [];
  /** The last reference of an open file went: VMs and the like follow. */
  onRelease: (file: OpenFile) => void = () => undefined;
  /** The last reference to a gmem went; its pages are still there. */
  releaseGmem: (inode: Inode) => void = () => undefined;
  /** FALLOC_FL_PUNCH_HOLE on a gmem, by way of a mapping. */
  punchGmem: (task: Task, inode: Inode, index: number, count: number) => void = () => undefined;
  /** check_mm found counters that are not zero. */
  onBadRss: (process: Process) => void = () => undefined;
  /** What the kernel log says: OOM kills, bad counters. */
  readonly log: string[] = [];
  readonly maxMapCount: number;
  /** Page cache that was there before the first step, per node; image files take their pages from it. */
  readonly background: (Inode | null)[] = [];
  /** Pages of each background file that images map already. */
  readonly backgroundUsed: number[] = [];
  /** Frames of radix_tree_node slabs per node, and how many objects more they have room for. */
  readonly slabRoom: Float64Array;
  readonly slabFrames: readonly KernelPages[];
  /** Frames that page tables and slab hold. */
  kernelFrames = 0;
  /** First frame of each node with memory, ascending, and the node. */
  readonly #starts: Float64Array;
  readonly #nids: Int32Array;
  nextPid = 200;
  nextInodeId = 1;
  /** Next i_ino of the kernel's tmpfs mount per CPU, and the next batch; the mount's root got 1 on the CPU that booted. */
  readonly #shmemIno: number[] = [2];
  #shmemBatch = SHMEM_INO_BATCH;
  /** Anonymous inodes are numbered from boot on; where the count stands is not the model's business. */
  nextAnonIno = 1024;
  #nextMemcgId = 1;

  constructor(config: {
    machine: MachineConfig;
    profile: KernelProfile;
    maxMapCount?: number | undefined;
    thp?: ThpSettings | undefined;
    proposed?: Proposals | undefined;
    compactUnevictable?: boolean | undefined;
  }) {
    this.proposed = config.proposed ?? NO_PROPOSALS;
    this.machine = config.machine;
    this.profile = config.profile;
    this.maxMapCount = config.maxMapCount ?? 65_530;
    this.zonelists = buildZonelists(config.machine);
    this.compactUnevictable = config.compactUnevictable ?? true;
    const zones = buildZones(config.machine.nodes, config.machine.belowFourGib);
    this.zones = zones;
    this.nodes = config.machine.nodes.map(
      (node, nid) =>
        new NumaNode({
          nid,
          cpus: node.cpus,
          zones: zones.filter((zone) => zone.nid === nid),
          zonelist: this.zonelists[nid]!,
        }),
    );
    // Kernels boot with huge pages on; where a machine has none, they were switched off.
    resetMinFree(this);
    this.thp = config.thp ?? NO_THP;
    recommendMinFree(this);
    this.overcommit = bootedOvercommit(this.totalPages);
    this.weights = this.nodes.map(() => 1);
    this.offlined = this.nodes.map(() => 0);
    this.hugetlb = new HugetlbPool({ nodes: this.nodes.length });
    const cpuNode: number[] = [];
    this.nodes.forEach((node) => node.cpus.forEach((cpu) => (cpuNode[cpu] = node.nid)));
    this.cpuNode = cpuNode;
    this.stocks = cpuNode.map(() => new ChargeStock({ slots: config.profile.chargeSlots }));
    this.rootMemcg = this.newMemcg('/', null);
    this.rootCgroup = new Cgroup({ path: '/', parent: null, handedDown: ['memory', 'cpuset', 'hugetlb'] });
    this.rootCgroup.ownMemcg = this.rootMemcg;
    this.cgroups.set('/', this.rootCgroup);
    this.slabRoom = new Float64Array(this.nodes.length);
    this.slabFrames = this.nodes.map(() => new KernelPages());
    const populated = this.nodes.filter((node) => node.pages > 0).sort((a, b) => a.startPfn - b.startPfn);
    this.#starts = Float64Array.from(populated, (node) => node.startPfn);
    this.#nids = Int32Array.from(populated, (node) => node.nid);
  }

  /** Pages of RAM. */
  get totalPages(): number {
    return this.nodes.reduce((sum, node) => sum + node.pages, 0);
  }

  /** Node of a frame. */
  nidOf(pfn: number): number {
    const starts = this.#starts;
    let lo = 0;
    let hi = starts.length - 1;
    while (lo < hi) {
      const mid = (lo + hi + 1) >>> 1;
      if (starts[mid]! <= pfn) lo = mid;
      else hi = mid - 1;
    }
    return this.#nids[lo]!;
  }

  newMemcg(path: string, parent: Memcg | null): Memcg {
    const memcg = new Memcg({ id: this.#nextMemcgId++, path, parent, nodes: this.nodes.length });
    this.memcgs.set(path, memcg);
    return memcg;
  }

  newInode(config: {
    kind: InodeKind;
    dev: string;
    path: string;
    name: string;
    sizePages: number;
    ino?: number;
    /** CPU of whoever makes it: decides about i_ino of shmem. */
    cpu?: number;
    flags?: number;
    reservesWhole?: boolean;
    tmpfs?: Inode['tmpfs'];
  }): Inode {
    const inode = new Inode({
      ...config,
      id: this.nextInodeId++,
      ino: config.ino ?? (config.kind === 'shmem' ? this.#nextShmemIno(config.cpu ?? 0) : this.nextInodeId),
      slab: new KernelPages(),
    });
    this.inodes.add(inode);
    return inode;
  }

  /** mm/shmem.c:shmem_reserve_inode: a CPU numbers inodes from a batch of its own. */
  #nextShmemIno(cpu: number): number {
    let ino = this.#shmemIno[cpu] ?? 0;
    if (ino % SHMEM_INO_BATCH === 0) {
      ino = this.#shmemBatch;
      this.#shmemBatch += SHMEM_INO_BATCH;
    }
    this.#shmemIno[cpu] = ino + 1;
    return ino;
  }

  /** Adds to a vm event of /proc/vmstat. */
  event(name: string, count: number): void {
    this.vmEvents[name] = (this.vmEvents[name] ?? 0) + count;
  }
}
