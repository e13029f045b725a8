import { PAGES_PER_PMD } from '../units/pages.ts';
import { allocateHugeFolios, splitHugeFolios } from './huge-folios.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { recalcInode } from './recalc-inode.ts';
import { zapRange } from './rmap.ts';
import { allocateXarrayNodes } from './slab.ts';
import type { Task } from './task.ts';
import { blocksThatFit, mayReclaimForThp } from './thp.ts';
import { mountRoom } from './tmpfs-mount.ts';
import { indexOf, type Vma } from './vma.ts';

/** Whether any page of a tmpfs file could come as a huge one: a quick no for nearly all. */
export function isShmemHuge(kernel: Kernel, inode: Inode): boolean {
  const { shmem } = kernel.thp;
  if (inode.kind !== 'shmem' || shmem === 'deny') return false;
  return shmem === 'force' || (inode.tmpfs?.huge ?? shmem) !== 'never';
}

/** What holds for a file: its mount's setting, if none is forced on all. */
const hugeSetting = (kernel: Kernel, inode: Inode): string =>
  kernel.thp.shmem === 'force' ? 'always' : (inode.tmpfs?.huge ?? kernel.thp.shmem);

/** mm/shmem.c:shmem_huge_global_enabled: first block that may not be huge, from `block` on; `vma` is the mapping of a fault. */
function allowedUntil(kernel: Kernel, inode: Inode, block: number, vma: Vma | null): number {
  if (vma?.extraFlags.includes('nh')) return block;
  const setting = hugeSetting(kernel, inode);
  if (setting === 'always' || vma?.extraFlags.includes('hg')) return Infinity;
  // A block must end within the file.
  return setting === 'within_size' ? Math.max(block, Math.floor(inode.sizePages / PAGES_PER_PMD)) : block;
}

/** Pages of the block that stat names for a tmpfs file: those of a huge page where it could have one (mm/shmem.c:shmem_getattr). */
export function shmemBlockPages(kernel: Kernel, inode: Inode): number {
  if (!isShmemHuge(kernel, inode)) return 1;
  const isInSmallFile = kernel.profile.shmemOfAnyOrder && hugeSetting(kernel, inode) === 'within_size';
  const isHuge = allowedUntil(kernel, inode, 0, null) > 0 || (isInSmallFile && inode.sizePages > 1);
  return isHuge ? PAGES_PER_PMD : 1;
}

/**
 * Whether smaps calls a mapping of tmpfs eligible (mm/huge_memory.c:__thp_vma_allowable_orders): its first block may be huge, and it could
 * hold a huge page; up to 6.12, a folio of any order, if only of two pages. In 7.3 a mapped file of a mount, which has a name, is asked for
 * folios of any order in both.
 */
export function isShmemAllowed(kernel: Kernel, inode: Inode, vma: Vma): boolean {
  const { shmemEligibleAtAnySize, tmpfsFaultsAnyOrder } = kernel.profile;
  const isOfAnyOrder = tmpfsFaultsAnyOrder && inode.tmpfs !== null && kernel.thp.shmem !== 'force';
  const size = shmemEligibleAtAnySize || isOfAnyOrder ? 2 : PAGES_PER_PMD;
  if (!isShmemHuge(kernel, inode) || (vma.start - vma.pgoff) % size !== 0) return false;
  if (Math.floor(vma.end / size) * size - size < vma.start) return false;
  const block = Math.floor(vma.pgoff / PAGES_PER_PMD);
  if (allowedUntil(kernel, inode, block, vma) > block) return true;
  const isWithin = hugeSetting(kernel, inode) === 'within_size' && !vma.extraFlags.includes('nh');
  return isOfAnyOrder && isWithin && Math.floor(vma.pgoff / size + 1) * size <= inode.sizePages;
}

/**
 * Fills blocks of a tmpfs file that hold nothing yet with huge folios (mm/shmem.c:shmem_alloc_and_add_folio), where a range touches them and
 * the settings allow it. A fault needs a mapping that could map the block with one entry. Blocks reach past the range and past the end of
 * the file.
 */
export function fillHugeShmem(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
  dirty: boolean,
  vma: Vma | null,
): void {
  let first = Math.floor(index / PAGES_PER_PMD);
  let last = Math.ceil((index + count) / PAGES_PER_PMD);
  if (vma) {
    if ((vma.start - vma.pgoff) % PAGES_PER_PMD !== 0) return;
    first = Math.max(first, Math.ceil(vma.pgoff / PAGES_PER_PMD));
    last = Math.min(last, Math.floor(indexOf(vma, vma.end) / PAGES_PER_PMD));
  }
  last = Math.min(last, allowedUntil(kernel, inode, first, vma));
  if (first >= last) return;
  const gaps: { from: number; to: number }[] = [];
  inode.cache.forEachGap(first * PAGES_PER_PMD, (last - first) * PAGES_PER_PMD, (at, n) => {
    gaps.push({ from: Math.ceil(at / PAGES_PER_PMD), to: Math.floor((at + n) / PAGES_PER_PMD) });
  });
  for (const { from, to } of gaps) {
    for (let block = from; block < to;) {
      const found = inode.policy.lookup(block * PAGES_PER_PMD);
      const blocks = Math.min(to, Math.ceil(found.end / PAGES_PER_PMD)) - block;
      const fitting = Math.min(blocks, blocksThatFit(task), Math.floor(mountRoom(inode) / PAGES_PER_PMD));
      if (fitting === 0) return;
      const got = fillBlocks(kernel, task, inode, block, fitting, dirty, vma);
      if (got === 0) return;
      block += got;
    }
  }
}

/** Fills consecutive blocks of one policy, as many as can be had at once. Returns how many those are. */
function fillBlocks(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  block: number,
  blocks: number,
  dirty: boolean,
  vma: Vma | null,
): number {
  const { pieces } = allocateHugeFolios(kernel, task, {
    kind: 'shmem',
    inode,
    policy: inode.policy.lookup(block * PAGES_PER_PMD).policy ?? task.policy,
    ilx: inode.ino + block,
    blocks,
    dirty,
    mayReclaim: mayReclaimForThp(kernel, vma),
  });
  if (pieces.length > 0) recalcInode(kernel, inode);
  let at = block * PAGES_PER_PMD;
  for (const piece of pieces) {
    const pages = piece.blocks * PAGES_PER_PMD;
    inode.cache.setRun(at, pages, 1, [piece.pfn]);
    allocateXarrayNodes(kernel, task, inode.slab, inode.nodes.addAboveLeaves(at, pages));
    at += pages;
  }
  return at / PAGES_PER_PMD - block;
}

/**
 * Splits the huge folios that the borders of a range cut (mm/truncate.c:truncate_inode_partial_folio): all that maps them goes, their pages
 * become single ones, and `task` places the xarray nodes that this takes.
 */
export function splitAtBorders(kernel: Kernel, task: Task, inode: Inode, index: number, end: number): void {
  for (const border of [index, end]) {
    const pfn = border % PAGES_PER_PMD === 0 ? -1 : inode.cache.get(border);
    if (pfn < 0 || kernel.classes.get(kernel.frames.classOf(pfn)).order === 0) continue;
    splitCachedFolio(kernel, task, inode, Math.floor(border / PAGES_PER_PMD));
  }
}

/** Splits one huge folio of a file, by the number of its block: all that maps it goes. */
export function splitCachedFolio(kernel: Kernel, task: Task, inode: Inode, block: number): void {
  const at = block * PAGES_PER_PMD;
  for (const { mm, vma } of inode.kind === 'shmem' ? Array.from(inode.mappings) : []) {
    const from = Math.max(at, vma.pgoff);
    const to = Math.min(at + PAGES_PER_PMD, indexOf(vma, vma.end));
    if (from < to) zapRange(kernel, mm, vma.start + from - vma.pgoff, to - from, 'file');
  }
  splitHugeFolios(kernel, inode.cache.get(at), 1);
  // xas_split_alloc asks for nodes that nobody is charged for.
  allocateXarrayNodes(kernel, task, inode.slab, inode.nodes.add(at, PAGES_PER_PMD), kernel.rootMemcg);
}
