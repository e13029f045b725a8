import { PAGES_PER_PMD } from '../units/pages.ts';
import { allocateAccounted } from './accounted-pages.ts';
import { prepareAnonVma } from './anon-vma.ts';
import { allocateHugeFolios } from './huge-folios.ts';
import { mapHuge } from './huge-maps.ts';
import type { Kernel } from './kernel.ts';
import { CHARGE_BATCH } from './memcg.ts';
import type { Mm } from './mm.ts';
import type { Task } from './task.ts';
import { indexOf, type Vma } from './vma.ts';

/** Whether an anonymous mapping may have huge pages at all (mm/huge_memory.c:__thp_vma_allowable_orders). */
export function isThpAllowed(kernel: Kernel, vma: Vma): boolean {
  if (vma.file || vma.name === '[stack]' || vma.extraFlags.includes('nh')) return false;
  const { enabled } = kernel.thp;
  return enabled === 'always' || (enabled === 'madvise' && vma.extraFlags.includes('hg'));
}

/** Whether a huge page for a mapping is worth reclaim, compaction and pages from afar (mm/huge_memory.c:vma_thp_gfp_mask). */
export function mayReclaimForThp(kernel: Kernel, vma: Vma | null): boolean {
  const { defrag } = kernel.thp;
  return defrag === 'always' || (defrag.endsWith('madvise') && (vma?.extraFlags.includes('hg') ?? false));
}

/** Whole blocks of a range of pages as a VMA has them: first block, and the one after the last. */
function blocksOf(vma: Vma, vpn: number, count: number): { first: number; last: number } {
  return {
    first: Math.max(Math.floor(vpn / PAGES_PER_PMD), Math.ceil(vma.start / PAGES_PER_PMD)),
    last: Math.min(Math.ceil((vpn + count) / PAGES_PER_PMD), Math.floor(vma.end / PAGES_PER_PMD)),
  };
}

/**
 * First accesses to anonymous pages that huge pages can answer (mm/huge_memory.c:do_huge_pmd_anonymous_page): blocks that lie in the VMA
 * as a whole and have no page table yet. A read maps the huge zero page, a write a new folio; either way a page table is set aside for
 * the day that the entry is split. What can't be had huge is left for base pages. Returns up to which page: behind a block that a limit did
 * not allow, huge pages are tried again.
 */
export function faultHugeAnonymous(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
  isWrite: boolean,
): number {
  const end = vpn + count;
  if (!isThpAllowed(kernel, vma)) return end;
  const { first, last } = blocksOf(vma, vpn, count);
  if (first >= last) return end;
  prepareAnonVma(vma);
  const runs: { block: number; blocks: number }[] = [];
  mm.tables.forEachLeafGap(first, last - first, (block, blocks) => runs.push({ block, blocks }));
  if (isWrite && kernel.profile.hugeZeroGivesWay) {
    mm.zeroBlocks.forEachRun(first, last - first, (block, blocks) => {
      runs.push({ block, blocks });
    });
  }
  for (const { block, blocks } of runs) {
    if (!isWrite) {
      setAside(kernel, task, mm, block, blocks);
      mm.zeroBlocks.add(block, blocks);
      mm.zeroPages.add(block * PAGES_PER_PMD, blocks * PAGES_PER_PMD);
      continue;
    }
    for (let done = 0; done < blocks;) {
      const asked = Math.min(blocks - done, blocksThatFit(task));
      const { got, isRefused } = mapHugeAnonymous(kernel, task, mm, vma, block + done, asked);
      done += got;
      if (isRefused) return Math.min(end, (block + done + 1) * PAGES_PER_PMD);
      if (got === 0) break;
    }
  }
  return end;
}

/** Blocks that a memory cgroup has room for together with their page tables, each of which is charged before the next folio; at least one to try. */
export function blocksThatFit({ process }: Task): number {
  return Math.max(1, Math.floor((process.memcg.room() - CHARGE_BATCH) / (PAGES_PER_PMD + 2)));
}

/** Maps new huge folios for consecutive blocks without a page table, as many as can be had at once. */
function mapHugeAnonymous(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  block: number,
  blocks: number,
): { got: number; isRefused: boolean } {
  const start = block * PAGES_PER_PMD;
  const { pieces, isRefused } = allocateHugeFolios(kernel, task, {
    kind: 'anon',
    inode: null,
    policy: vma.policy ?? task.policy,
    // get_vma_policy: the offset at which the VMA was made and the way into it, each in blocks.
    ilx: Math.floor(vma.pgoff / PAGES_PER_PMD) + Math.floor((start - vma.start) / PAGES_PER_PMD),
    blocks,
    dirty: true,
    mayReclaim: mayReclaimForThp(kernel, vma),
  });
  let at = start;
  for (const piece of pieces) {
    setAside(kernel, task, mm, at / PAGES_PER_PMD, piece.blocks);
    mm.zeroBlocks.remove(at / PAGES_PER_PMD, piece.blocks);
    mapHuge(kernel, mm, at, piece.pfn, piece.blocks);
    at += piece.blocks * PAGES_PER_PMD;
  }
  return { got: (at - start) / PAGES_PER_PMD, isRefused };
}

function setAside(kernel: Kernel, task: Task, mm: Mm, block: number, blocks: number): void {
  const added = mm.tables.add(block * PAGES_PER_PMD, blocks * PAGES_PER_PMD);
  allocateAccounted(kernel, task, mm.tablePages, 'pagetables', added);
}

/**
 * Maps huge folios of the page cache with huge entries (mm/memory.c:do_set_pmd): whole blocks, also the pages that nobody asked for, where
 * addresses and offsets are aligned alike and no page table stands in the way. The rest is left for base entries.
 */
export function mapHugeCached(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
): void {
  const file = vma.file!;
  if ((vma.start - vma.pgoff) % PAGES_PER_PMD !== 0 || vma.extraFlags.includes('nh')) return;
  const { first, last } = blocksOf(vma, vpn, count);
  if (first >= last) return;
  const gaps: { block: number; blocks: number }[] = [];
  mm.tables.forEachLeafGap(first, last - first, (block, blocks) => gaps.push({ block, blocks }));
  for (const { block, blocks } of gaps) {
    const from = block * PAGES_PER_PMD;
    mm.pt.forEachGap(from, blocks * PAGES_PER_PMD, (at, n) => {
      file.cache.forEach(indexOf(vma, at), n, (index, m, period, lanes) => {
        if (period !== 1) return;
        for (const { pfn, blocks: huge } of hugeFoliosIn(kernel, lanes[0]!, m)) {
          const here = vma.start + index + pfn - lanes[0]! - vma.pgoff;
          const added = mm.tables.addAboveLeaves(here, huge * PAGES_PER_PMD);
          allocateAccounted(kernel, task, mm.tablePages, 'pagetables', added);
          mapHuge(kernel, mm, here, pfn, huge);
          kernel.event('thp_file_mapped', huge);
        }
      });
    });
  }
}

/** The huge folios among consecutive frames. */
function hugeFoliosIn(kernel: Kernel, pfn: number, count: number): { pfn: number; blocks: number }[] {
  const out: { pfn: number; blocks: number }[] = [];
  const first = Math.ceil(pfn / PAGES_PER_PMD);
  const last = Math.floor((pfn + count) / PAGES_PER_PMD);
  kernel.hugeFolios.forEach(first, Math.max(0, last - first), (block, blocks) => {
    out.push({ pfn: block * PAGES_PER_PMD, blocks });
  });
  return out;
}
