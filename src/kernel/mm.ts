import type { Inode } from './inode.ts';
import { PfnMap } from './pfn-map.ts';
import { RadixNodes } from './radix-nodes.ts';
import { RangeSet } from './range-set.ts';
import { TablePages } from './table-pages.ts';
import { slice, type Vma } from './vma.ts';

/** RSS counters of an address space, in pages (include/linux/mm_types_task.h). */
export interface RssCounters {
  anon: number;
  file: number;
  shmem: number;
  swap: number;
  /** A counter that Linux does not have: private memory, where a design counts it apart. */
  gmem: number;
}

/** Resource limits that have to do with memory (RLIMIT_AS, RLIMIT_DATA, …). */
export interface Rlimits {
  as: number;
  data: number;
  fsize: number;
  memlock: number;
  rss: number;
}

/** What a process may lock unless told otherwise (include/uapi/linux/resource.h:MLOCK_LIMIT). */
const MLOCK_LIMIT = 8 * 2 ** 20;

/** An address space (struct mm_struct). */
export class Mm {
  readonly pid: number;
  readonly worker: string;
  /** Sorted, disjoint. */
  readonly vmas: Vma[] = [];
  /** Page table: virtual page number to frame. */
  readonly pt: PfnMap = new PfnMap();
  /** Blocks of 512 pages (page number / 512) that one huge entry maps; `pt` holds their frames like all others. */
  readonly hugeBlocks: RangeSet = new RangeSet();
  /** Blocks that a huge entry maps to the huge zero page. */
  readonly zeroBlocks: RangeSet = new RangeSet();
  /** Pages that a read has given the zero page, the huge one included; those that `pt` maps since then don't have it any more. */
  readonly zeroPages: RangeSet = new RangeSet();
  /** Page-table entries that stand for swap slots: page address to slot. */
  readonly swapped: PfnMap = new PfnMap();
  /** Pages whose entries a fork has copied and write-protected: anonymous pages that may be somebody else's, too (not PageAnonExclusive). */
  readonly protectedPages: RangeSet = new RangeSet();
  /** Pages whose entries nobody has used since a fork made them or MADV_FREE cleared them: without the accessed bit. */
  readonly oldPages: RangeSet = new RangeSet();
  /** Pages whose entries are clean, whatever others that share them wrote: given up with MADV_FREE, and not written to since. */
  readonly cleanedPages: RangeSet = new RangeSet();
  readonly rss: RssCounters = { anon: 0, file: 0, shmem: 0, swap: 0, gmem: 0 };
  /** Page-table pages below the top level. */
  readonly tables: RadixNodes = new RadixNodes({ bits: 9, levels: 3, grows: false, hasPages: true });
  readonly tablePages: TablePages = new TablePages(this.tables);
  /** Frames of vCPU run areas that the VMM has looked at: kernel pages, which no call can move. */
  readonly runFrames: Set<number> = new Set();
  /** Huge pages that are mapped (hugetlb_usage). */
  hugetlbPages = 0;
  hiwaterRss = 0;
  hiwaterVm = 0;
  lockedPages = 0;
  /** mlockall(MCL_FUTURE): mappings are made locked. */
  locksFuture = false;
  /** Limits in bytes, soft and hard alike; RLIMIT_RSS has no effect. */
  readonly rlimits: Rlimits = {
    as: Infinity,
    data: Infinity,
    fsize: Infinity,
    memlock: MLOCK_LIMIT,
    rss: Infinity,
  };
  readonly #links = new Map<Vma, { mm: Mm; vma: Vma }>();

  constructor(config: { pid: number; worker: string }) {
    this.pid = config.pid;
    this.worker = config.worker;
  }

  get rssPages(): number {
    return this.rss.anon + this.rss.file + this.rss.shmem + this.rss.gmem;
  }

  /** total_vm; a shadow VMA counts unless it was made not to. */
  get totalVm(): number {
    return this.vmas.reduce((sum, vma) => sum + (vma.isUncounted ? 0 : vma.end - vma.start), 0);
  }

  /** data_vm: private, writable, no stack. */
  get dataVm(): number {
    const isData = (vma: Vma): boolean => vma.prot[1] === 'w' && !vma.shared && vma.name !== '[stack]';
    return this.vmas.reduce(
      (sum, vma) => sum + (isData(vma) && !vma.isUncounted ? vma.end - vma.start : 0),
      0,
    );
  }

  /** Remembers the present RSS if it is the highest yet (update_hiwater_rss). */
  noteRss(): void {
    if (this.rssPages > this.hiwaterRss) this.hiwaterRss = this.rssPages;
  }

  noteVm(extraPages: number = 0): void {
    const total = this.totalVm + extraPages;
    if (total > this.hiwaterVm) this.hiwaterVm = total;
  }

  /** The VMA that holds a page, or undefined. */
  find(vpn: number): Vma | undefined {
    const at = this.#after(vpn) - 1;
    const vma = this.vmas[at];
    return vma && vpn < vma.end ? vma : undefined;
  }

  /** VMAs that overlap [start, end), ascending. */
  overlapping(start: number, end: number): Vma[] {
    const out: Vma[] = [];
    for (let at = Math.max(0, this.#after(start) - 1); at < this.vmas.length; at++) {
      const vma = this.vmas[at]!;
      if (vma.start >= end) break;
      if (vma.end > start) out.push(vma);
    }
    return out;
  }

  /** Visits what maps the zero page in a range, ascending. */
  forEachZeroPage(vpn: number, count: number, visit: (vpn: number, count: number) => void): void {
    if (this.zeroPages.size === 0) return;
    for (const run of this.zeroPages.runs(vpn, count)) this.pt.forEachGap(run.start, run.count, visit);
  }

  /** Adds a VMA; like every VMA but a shadow it holds a reference to its file. */
  insert(vma: Vma): void {
    this.vmas.splice(this.#after(vma.start), 0, vma);
    if (!vma.file) return;
    this.#link(vma.file, vma);
    if (!vma.isShadow) vma.file.refs++;
  }

  /** Takes a VMA out, reference included; whoever removes for good puts the file (page-cache.ts:putInode). */
  remove(vma: Vma): void {
    const at = this.vmas.indexOf(vma);
    if (at < 0) throw new Error('VMA is not in this address space');
    this.vmas.splice(at, 1);
    const link = this.#links.get(vma);
    if (!vma.file || !link) return;
    vma.file.mappings.delete(link);
    this.#links.delete(vma);
    if (!vma.isShadow) vma.file.refs--;
  }

  /** Splits VMAs so that none crosses `start` or `end`; returns those inside. */
  isolate(start: number, end: number): Vma[] {
    for (const border of [start, end]) {
      const vma = this.find(border);
      if (!vma || vma.start === border) continue;
      const left = slice(vma, vma.start, border);
      const right = slice(vma, border, vma.end);
      this.remove(vma);
      this.insert(left);
      this.insert(right);
    }
    return this.overlapping(start, end);
  }

  /** A free stretch of `pages` below the highest mapping area, aligned to `align` pages (top-down mmap). */
  findHole(pages: number, align: number): number {
    let top = MMAP_TOP;
    for (let at = this.vmas.length - 1; at >= 0; at--) {
      const vma = this.vmas[at]!;
      if (vma.start >= MMAP_TOP) continue;
      const start = Math.floor((top - pages) / align) * align;
      if (start >= vma.end) return start;
      top = Math.min(top, vma.start);
    }
    return Math.floor((top - pages) / align) * align;
  }

  #link(file: Inode, vma: Vma): void {
    const link = { mm: this, vma };
    this.#links.set(vma, link);
    file.mappings.add(link);
  }

  /** Position of the first VMA that starts after `vpn`. */
  #after(vpn: number): number {
    let lo = 0;
    let hi = this.vmas.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.vmas[mid]!.start <= vpn) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }
}

/** mmap_base without randomisation, in pages: 0x7ffff7fff000. */
const MMAP_TOP = 0x7ffff7fff;
