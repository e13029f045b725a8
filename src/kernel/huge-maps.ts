import { PAGES_PER_PMD } from '../units/pages.ts';
import { freeAccounted } from './accounted-pages.ts';
import { splitHugeFolios } from './huge-folios.ts';
import type { Kernel } from './kernel.ts';
import { accountMaps, unmapFrames } from './map-counts.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';

/** Visits a range as stretches that huge entries map and stretches that they don't. */
export function forEachLevel(
  mm: Mm,
  vpn: number,
  count: number,
  visit: (vpn: number, count: number, isHuge: boolean) => void,
): void {
  if (mm.hugeBlocks.size === 0) {
    visit(vpn, count, false);
    return;
  }
  const end = vpn + count;
  let at = vpn;
  for (const { start, blocks } of hugeRuns(mm, vpn, count)) {
    const from = Math.max(vpn, start);
    const to = Math.min(end, start + blocks * PAGES_PER_PMD);
    if (from > at) visit(at, from - at, false);
    visit(from, to - from, true);
    at = to;
  }
  if (at < end) visit(at, end - at, false);
}

/** Stretches of blocks with a huge entry that a range touches; `start` is a page number. */
function hugeRuns(mm: Mm, vpn: number, count: number): { start: number; blocks: number }[] {
  const first = Math.floor(vpn / PAGES_PER_PMD);
  const last = Math.ceil((vpn + count) / PAGES_PER_PMD);
  const out: { start: number; blocks: number }[] = [];
  mm.hugeBlocks.forEachRun(first, last - first, (block, blocks) => {
    out.push({ start: block * PAGES_PER_PMD, blocks });
  });
  return out;
}

/** Installs huge entries (mm/huge_memory.c:map_anon_folio_pmd, mm/memory.c:do_set_pmd) for consecutive folios. */
export function mapHuge(kernel: Kernel, mm: Mm, vpn: number, pfn: number, blocks: number): void {
  const pages = blocks * PAGES_PER_PMD;
  mm.pt.setRun(vpn, pages, 1, [pfn]);
  accountMaps(kernel, mm, pfn, pages);
  mm.hugeBlocks.add(vpn / PAGES_PER_PMD, blocks);
  countHuge(kernel, pfn, blocks, 1);
}

/** Counts huge entries of folios: what has the first one, or loses the last, changes the statistics of huge mappings. */
function countHuge(kernel: Kernel, pfn: number, blocks: number, delta: 1 | -1): void {
  kernel.hugeFolios.addMaps(pfn / PAGES_PER_PMD, blocks, delta, (block, n, id, maps) => {
    if (maps !== (delta === 1 ? 0 : 1)) return;
    const { kind, memcg } = kernel.classes.get(id);
    const nid = kernel.nidOf(block * PAGES_PER_PMD);
    const pages = delta * n * PAGES_PER_PMD;
    if (kind === 'anon') {
      kernel.nodes[nid]!.add('nr_anon_transparent_hugepages', pages);
      memcg.add('anon_thp', nid, pages);
    } else kernel.nodes[nid]!.add('nr_shmem_pmdmapped', pages);
  });
}

/** Visits the frames of whole blocks that huge entries map, as stretches of consecutive blocks. */
function forEachHugeFrame(
  mm: Mm,
  vpn: number,
  count: number,
  visit: (pfn: number, count: number) => void,
): void {
  mm.pt.forEach(vpn, count, (_, n, period, lanes) => forEachLane(n, period, lanes, visit));
}

/**
 * Before entries of a range go: huge entries that lie in it as a whole are taken off the books, with the page table that each anonymous
 * one had set aside (mm/huge_memory.c:zap_huge_pmd); those at its ends are split first.
 */
export function dropHuge(kernel: Kernel, mm: Mm, vpn: number, count: number): void {
  dropZero(kernel, mm, vpn, count);
  if (mm.hugeBlocks.size === 0) return;
  splitAtEnds(kernel, mm, vpn, vpn + count);
  for (const { start, blocks } of hugeRuns(mm, vpn, count)) {
    mm.hugeBlocks.remove(start / PAGES_PER_PMD, blocks);
    forEachHugeFrame(mm, start, blocks * PAGES_PER_PMD, (pfn, n) =>
      countHuge(kernel, pfn, n / PAGES_PER_PMD, -1),
    );
    // Page cache has set no table aside: there is none to free.
    freeAccounted(kernel, mm.tablePages, 'pagetables', mm.tables.removeLeaves(start / PAGES_PER_PMD, blocks));
  }
}

/** The huge zero page goes with the table that was set aside for it. */
function dropZero(kernel: Kernel, mm: Mm, vpn: number, count: number): void {
  if (mm.zeroBlocks.size === 0) return;
  const first = Math.ceil(vpn / PAGES_PER_PMD);
  const last = Math.floor((vpn + count) / PAGES_PER_PMD);
  if (vpn % PAGES_PER_PMD > 0) mm.zeroBlocks.remove(first - 1, 1);
  if ((vpn + count) % PAGES_PER_PMD > 0) mm.zeroBlocks.remove(last, 1);
  const gone: { block: number; blocks: number }[] = [];
  mm.zeroBlocks.forEachRun(first, Math.max(0, last - first), (block, blocks) => {
    gone.push({ block, blocks });
  });
  for (const { block, blocks } of gone) {
    mm.zeroBlocks.remove(block, blocks);
    freeAccounted(kernel, mm.tablePages, 'pagetables', mm.tables.removeLeaves(block, blocks));
  }
}

/**
 * Before VMAs are cut at the ends of a range: splits the huge entries there (mm/huge_memory.c:vma_adjust_trans_huge). The MMU notifiers hear
 * of the block around a cut, if its VMA covers it, before it is known whether its entry is huge (split_huge_pmd_if_needed).
 */
export function adjustTransHuge(kernel: Kernel, mm: Mm, start: number, end: number): void {
  for (const border of kernel.mmuNotifiers.length > 0 ? [start, end] : []) {
    const first = Math.floor(border / PAGES_PER_PMD) * PAGES_PER_PMD;
    const vma = mm.find(border);
    if (!vma || border === first || vma.start > first || vma.end < first + PAGES_PER_PMD) continue;
    for (const notify of kernel.mmuNotifiers) notify(mm, first, PAGES_PER_PMD);
  }
  splitAtEnds(kernel, mm, start, end);
}

/** Splits the huge entries that a border of a range cuts. */
function splitAtEnds(kernel: Kernel, mm: Mm, start: number, end: number): void {
  if (mm.hugeBlocks.size === 0) return;
  for (const border of [start, end]) {
    const block = Math.floor(border / PAGES_PER_PMD);
    if (border % PAGES_PER_PMD > 0 && mm.hugeBlocks.has(block)) splitHugeEntry(kernel, mm, block);
  }
}

/**
 * Replaces a huge entry (mm/huge_memory.c:__split_huge_pmd): by the table that was set aside, which maps the same pages, where they are
 * anonymous; by nothing where they are page cache, which faults bring back.
 */
export function splitHugeEntry(kernel: Kernel, mm: Mm, block: number): void {
  const vpn = block * PAGES_PER_PMD;
  const pfn = mm.pt.get(vpn);
  for (const notify of kernel.mmuNotifiers) notify(mm, vpn, PAGES_PER_PMD);
  mm.hugeBlocks.remove(block, 1);
  countHuge(kernel, pfn, 1, -1);
  kernel.event('thp_split_pmd', 1);
  if (kernel.classes.get(kernel.frames.classOf(pfn)).kind === 'anon') return;
  mm.pt.clear(vpn, PAGES_PER_PMD, (_, n, period, lanes) => unmapFrames(kernel, mm, n, period, lanes));
}

/** Splits the folio of a huge entry's block, and before that every huge entry that maps it. */
export function splitMappedFolio(
  kernel: Kernel,
  pfn: number,
  mappers: readonly { mm: Mm; block: number }[],
): void {
  for (const { mm, block } of mappers) {
    if (mm.hugeBlocks.has(block) && mm.pt.get(block * PAGES_PER_PMD) === pfn)
      splitHugeEntry(kernel, mm, block);
  }
  splitHugeFolios(kernel, pfn, 1);
}
