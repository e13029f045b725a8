import { PfnMap } from './pfn-map.ts';
import { RadixNodes } from './radix-nodes.ts';
import { RangeSet } from './range-set.ts';
import { SharedPolicy } from './shared-policy.ts';
import type { TmpfsMount } from './tmpfs-mount.ts';
import type { KernelPages } from './kernel-pages.ts';
import type { Mm } from './mm.ts';
import type { Vma } from './vma.ts';

export type InodeKind = 'shmem' | 'gmem' | 'file' | 'hugetlb';

/** An inode with its page cache (struct address_space). Sizes are in pages. */
export class Inode {
  /** Unique in a world. */
  readonly id: number;
  readonly kind: InodeKind;
  /** i_ino: part of the interleave index of shmem. */
  readonly ino: number;
  /** Device as maps prints it. */
  readonly dev: string;
  /** Path as maps prints it. */
  readonly path: string;
  /** Name of the object in the scenario, for the truth. */
  readonly name: string;
  sizePages: number;
  /** Page index to frame. */
  readonly cache: PfnMap = new PfnMap();
  /** Entries of the page cache that stand for swap slots: page index to slot. */
  readonly swapped: PfnMap = new PfnMap();
  readonly policy: SharedPolicy = new SharedPolicy();
  /** i_mmap: every VMA that maps the file. */
  readonly mappings: Set<{ mm: Mm; vma: Vma }> = new Set<{ mm: Mm; vma: Vma }>();
  /** xarray nodes of the page cache. */
  readonly nodes: RadixNodes = new RadixNodes({ bits: 6, levels: 9, grows: true });
  /** The slab objects behind `nodes`. */
  readonly slab: KernelPages;
  /** Open files and VMAs that keep it. */
  refs = 0;
  /** Pages that a launch populated and encrypted; a second time fails. */
  readonly launched: RangeSet = new RangeSet();
  /** Pages of a gmem that are shared, where the file itself keeps that (in-place conversion); null elsewhere. */
  sharedPages: RangeSet | null = null;
  /** Huge pages of a hugetlb file, by huge index, that mappings were promised or that are there (its reserve map). */
  readonly hugeRegions: RangeSet = new RangeSet();
  /** GUEST_MEMFD_FLAG_* of a gmem. */
  flags: number;
  /** The tmpfs that it lives on; null on the kernel's own mount, which follows shmem_enabled. */
  readonly tmpfs: TmpfsMount | null;
  /** Committed_AS holds the whole size from the start (shared anonymous memory); a memfd's pages count one by one. */
  readonly reservesWhole: boolean;

  /** Pages of a tmpfs file that fallocate made and nobody has touched since: their folios are not PG_uptodate, fault-around passes them over. */
  readonly untouched: RangeSet = new RangeSet();
  /** Pages of a tmpfs file that are gone from the page cache and still committed. */
  evictedPages = 0;

  constructor(config: {
    id: number;
    kind: InodeKind;
    ino: number;
    dev: string;
    path: string;
    name: string;
    sizePages: number;
    slab: KernelPages;
    flags?: number;
    reservesWhole?: boolean;
    tmpfs?: TmpfsMount | null;
  }) {
    this.id = config.id;
    this.kind = config.kind;
    this.ino = config.ino;
    this.dev = config.dev;
    this.path = config.path;
    this.name = config.name;
    this.sizePages = config.sizePages;
    this.slab = config.slab;
    this.flags = config.flags ?? 0;
    this.tmpfs = config.tmpfs ?? null;
    this.reservesWhole = config.reservesWhole ?? false;
  }
}
