import { OneRun } from '../units/page-runs.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import { allocateHugeFolios } from './huge-folios.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { mirrorRange } from './mirror.ts';
import { NO_INTERLEAVE_INDEX } from './page-allocator.ts';
import type { PolicyChoice } from './hooks.ts';
import { allocateXarrayNodes } from './slab.ts';
import type { Task } from './task.ts';

/** Whether pages of a file may come as 2 MiB folios: a proposal for gmem, of files whose size is a multiple of them. */
export const isGmemHuge = (kernel: Kernel, inode: Inode): boolean =>
  kernel.proposed.gmemHugePages && inode.kind === 'gmem' && inode.sizePages % PAGES_PER_PMD === 0;

/**
 * Fills the blocks of a gmem that a range touches and that hold nothing yet with huge folios (kvm_gmem_get_huge_folio of the proposed
 * series, which no released kernel has). Each block is one allocation: one tick of the thread's interleave counter, one charge of 512
 * pages. What can't be had huge is left for base pages.
 */
export function fillHugeGmem(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
  policyAt: (index: number) => PolicyChoice,
): void {
  const first = Math.floor(index / PAGES_PER_PMD);
  const last = Math.min(Math.ceil((index + count) / PAGES_PER_PMD), inode.sizePages / PAGES_PER_PMD);
  if (first >= last) return;
  const gaps: { from: number; to: number }[] = [];
  inode.cache.forEachGap(first * PAGES_PER_PMD, (last - first) * PAGES_PER_PMD, (at, n) => {
    gaps.push({ from: Math.ceil(at / PAGES_PER_PMD), to: Math.floor((at + n) / PAGES_PER_PMD) });
  });
  for (const { from, to } of gaps) {
    for (let block = from; block < to;) {
      const choice = policyAt(block * PAGES_PER_PMD);
      const blocks = Math.min(to, Math.ceil(choice.until / PAGES_PER_PMD)) - block;
      const got = fillBlocks(kernel, task, inode, block, blocks, choice);
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
  choice: PolicyChoice,
): number {
  const ilx = choice.ilx ?? NO_INTERLEAVE_INDEX;
  const { pieces } = allocateHugeFolios(kernel, task, {
    kind: 'gmem',
    inode,
    policy: choice.policy,
    ilx: ilx < 0 ? ilx : Math.floor(ilx / PAGES_PER_PMD),
    blocks,
    dirty: false,
    mayReclaim: true,
  });
  let at = block * PAGES_PER_PMD;
  for (const piece of pieces) {
    const pages = piece.blocks * PAGES_PER_PMD;
    inode.cache.setRun(at, pages, 1, [piece.pfn]);
    allocateXarrayNodes(kernel, task, inode.slab, inode.nodes.addAboveLeaves(at, pages));
    mirrorRange(kernel, inode, at, pages);
    const nodes = new Float64Array(kernel.nodes.length);
    nodes[piece.nid] = pages;
    kernel.hooks.folioAllocated(inode, new OneRun(at, pages), nodes, task);
    at += pages;
  }
  return at / PAGES_PER_PMD - block;
}
