import { PAGES_PER_PMD } from '../units/pages.ts';
import { allocateAccounted } from './accounted-pages.ts';
import { type HugeRun, returnToPool } from './hugetlb-pool.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import type { Task } from './task.ts';
import { indexOf, type Vma } from './vma.ts';

const nothing = (): void => undefined;

/**
 * Maps huge pages from an aligned page address on, one entry each, without a table of small entries below it. They count in no RSS
 * counter and in no statistic of mapped memory (mm/hugetlb.c:hugetlb_count_add).
 */
export function mapHugetlb(kernel: Kernel, task: Task, mm: Mm, vpn: number, runs: readonly HugeRun[]): void {
  const pages = runs.reduce((sum, run) => sum + run.count, 0);
  if (pages === 0) return;
  const tables = mm.tables.addAboveLeaves(vpn, pages * PAGES_PER_PMD);
  allocateAccounted(kernel, task, mm.tablePages, 'pagetables', tables);
  let at = vpn;
  for (const { pfn, count } of runs) {
    const frames = count * PAGES_PER_PMD;
    mm.pt.setRun(at, frames, 1, [pfn]);
    kernel.frames.addMaps(pfn, frames, 1, nothing);
    at += frames;
  }
  mm.hugeBlocks.add(vpn / PAGES_PER_PMD, pages);
  mm.hugetlbPages += pages;
}

/**
 * Removes the entries of an aligned range of a VMA of huge pages (mm/hugetlb.c:__unmap_hugepage_range). Private pages that nothing maps
 * any more go back to the pool; the process that made the mapping is promised one for each again, unless the pool has surplus.
 */
export function unmapHugetlb(kernel: Kernel, mm: Mm, vma: Vma, vpn: number, count: number): void {
  if (mm.hugeBlocks.countIn(vpn / PAGES_PER_PMD, count / PAGES_PER_PMD) === 0) return;
  for (const notify of kernel.mmuNotifiers) notify(mm, vpn, count);
  const consumed = kernel.hugetlb.surplus === 0 ? vma.hugetlb!.consumed : null;
  for (const { vpn: at, pfn, frames, isDead } of removeEntries(kernel, mm, vpn, count)) {
    if (consumed && (isDead || kernel.profile.hugetlbRestoresShared)) {
      consumed.remove(indexOf(vma, at) / PAGES_PER_PMD, frames / PAGES_PER_PMD);
      kernel.hugetlb.restoring.add(pfn / PAGES_PER_PMD, frames / PAGES_PER_PMD);
    }
    if (isDead) returnToPool(kernel, pfn, frames);
  }
}

/** Takes entries out of a page table. Returns the private pages that were mapped, and whether nothing maps them any more. */
export function removeEntries(
  kernel: Kernel,
  mm: Mm,
  vpn: number,
  count: number,
): { vpn: number; pfn: number; frames: number; isDead: boolean }[] {
  const out: { vpn: number; pfn: number; frames: number; isDead: boolean }[] = [];
  mm.pt.clear(vpn, count, (at, n, _period, lanes) => {
    const pfn = lanes[0]!;
    kernel.frames.addMaps(pfn, n, -1, (start, frames, id, maps) => {
      if (kernel.classes.get(id).inode !== null) return;
      out.push({ vpn: at + start - pfn, pfn: start, frames, isDead: maps === 1 });
    });
  });
  const first = vpn / PAGES_PER_PMD;
  const blocks = count / PAGES_PER_PMD;
  mm.hugetlbPages -= mm.hugeBlocks.countIn(first, blocks);
  mm.hugeBlocks.remove(first, blocks);
  return out;
}

/**
 * fork of a private mapping: the child maps the same pages until one of them writes (copy_hugetlb_page_range). Where all are the file's
 * own the child faults them in itself.
 */
export function copyHugetlb(kernel: Kernel, child: Task, from: Mm, to: Mm, { start, end }: Vma): void {
  const runs: { vpn: number; pfn: number; count: number }[] = [];
  let hasPrivate = false;
  from.pt.forEach(start, end - start, (vpn, n, _period, lanes) => {
    runs.push({ vpn, pfn: lanes[0]!, count: n / PAGES_PER_PMD });
    kernel.frames.forEach(lanes[0]!, n, (_start, _frames, id) => {
      if (kernel.classes.get(id).inode === null) hasPrivate = true;
    });
  });
  if (hasPrivate) for (const run of runs) mapHugetlb(kernel, child, to, run.vpn, [run]);
}
