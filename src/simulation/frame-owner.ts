import type { FolioClass } from '../kernel/folio-class.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { BLOCK_PAGES } from '../kernel/memory-blocks.ts';
import { zoneOf } from '../kernel/page-allocator.ts';
import { RangeSet } from '../kernel/range-set.ts';
import { gapsBetween } from '../kernel/stretches.ts';

/** Frames that nobody has. */
export const FREE = 'nobody: they are free';

/** Who has which frames at one moment, in words for messages. */
export class FrameOwners {
  readonly #kernel: Kernel;
  /** Free frames on per-CPU lists. */
  readonly #listed: RangeSet = new RangeSet();

  constructor(config: { kernel: Kernel }) {
    this.#kernel = config.kernel;
    for (const zone of this.#kernel.zones) zone.forEachListed((pfn, count) => this.#listed.add(pfn, count));
  }

  /** Adds the owners of a stretch. */
  collect(pfn: number, count: number, into: Set<string>): void {
    const used: { pfn: number; count: number }[] = [];
    this.#kernel.frames.forEach(pfn, count, (start, pages, id) => {
      used.push({ pfn: start, count: pages });
      into.add(folioWords(this.#kernel.classes.get(id)));
    });
    for (const gap of gapsBetween(pfn, count, used)) this.#collectGap(gap.pfn, gap.count, into);
  }

  /** Frames that no folio holds, block by block, since a block is offline or not as a whole. */
  #collectGap(pfn: number, count: number, into: Set<string>): void {
    const kernel = this.#kernel;
    const end = pfn + count;
    for (let at = pfn; at < end;) {
      const block = Math.floor(at / BLOCK_PAGES);
      const n = Math.min(end, (block + 1) * BLOCK_PAGES) - at;
      if (kernel.offlineBlocks.has(block)) into.add('memory that is offline');
      else {
        const retired = kernel.poisoned.countIn(at, n);
        const free = zoneOf(kernel, at).freeIn(at, n) + this.#listed.countIn(at, n);
        if (retired > 0) into.add('nobody: they are retired');
        if (free > 0) into.add(FREE);
        if (retired + free < n) into.add('page tables and other kernel memory');
      }
      at += n;
    }
  }
}

function folioWords({ kind, inode, allocator }: FolioClass): string {
  const whose = allocator === '' ? 'the kernel' : allocator;
  if (kind === 'anon') return `anonymous memory of ${whose}`;
  if (kind === 'hugetlb' && !inode) return `a huge page of ${whose}`;
  if (kind === 'kernel') return 'kernel memory';
  return kind === 'file' ? 'page cache' : `${inode?.name ?? kind} of ${whose}`;
}
