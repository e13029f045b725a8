import { PAGES_PER_PMD } from '../units/pages.ts';
import { allocateAccounted, freeAccounted } from './accounted-pages.ts';
import { type CollapseResult, heaviestNodes, placeCollapsed } from './collapse-target.ts';
import { freeFolios, setMlocked } from './folios.ts';
import { mapHuge } from './huge-maps.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import { countOfLane } from './pfn-map.ts';
import { recalcInode } from './recalc-inode.ts';
import { zapRange } from './rmap.ts';
import { allocateXarrayNodes, freeXarrayNodes, PAGES_PER_NODE } from './slab.ts';
import { swapInShmem } from './swap-in.ts';
import { overLimit, type Shortage } from './memory-pressure.ts';
import type { Task } from './task.ts';
import { indexOf, type Vma } from './vma.ts';

/**
 * A block of a tmpfs file becomes a huge folio, its holes filled with zeros (mm/khugepaged.c:hpage_collapse_scan_file, collapse_file), and the
 * caller maps it with one entry. One that holds nothing fails.
 */
export function collapseCached(kernel: Kernel, task: Task, mm: Mm, vma: Vma, block: number): CollapseResult {
  const inode = vma.file!;
  const index = indexOf(vma, block * PAGES_PER_PMD);
  const isThere =
    inode.cache.has(index) && kernel.classes.get(kernel.frames.classOf(inode.cache.get(index))).order > 0;
  const result = isThere ? 'huge' : collapseCache(kernel, task, inode, index);
  if (result !== 'huge') return result;
  return mapCollapsed(kernel, task, mm, vma, block);
}

/** A block of a tmpfs file that is not huge, by the index of its first page: all that maps it goes. */
export function collapseCache(kernel: Kernel, task: Task, inode: Inode, index: number): CollapseResult {
  const nids = heaviestNodes(kernel, (visit) => inode.cache.forEach(index, PAGES_PER_PMD, visit));
  const target = placeCollapsed(kernel, task, 'shmem', inode, nids);
  if (typeof target === 'string') return target;
  const lane = { index, count: PAGES_PER_PMD, stride: 1 };
  if (countOfLane(inode.cache, lane) + countOfLane(inode.swapped, lane) === 0) {
    // SCAN_TRUNCATED: the folio is there by then.
    freeFolios(kernel, target.pfn, PAGES_PER_PMD);
    return 'failed';
  }
  const away = countOfLane(inode.swapped, lane);
  if (away > 0 && (holdRoom(kernel, task, away) || swapInShmem(kernel, task, inode, index, PAGES_PER_PMD))) {
    freeFolios(kernel, target.pfn, PAGES_PER_PMD);
    return 'failed';
  }
  const mappers = Array.from(inode.mappings).filter(
    ({ vma }) => vma.pgoff < index + PAGES_PER_PMD && indexOf(vma, vma.end) > index,
  );
  for (const { mm, vma } of mappers) {
    const from = Math.max(index, vma.pgoff);
    const to = Math.min(index + PAGES_PER_PMD, indexOf(vma, vma.end));
    zapRange(kernel, mm, vma.start + from - vma.pgoff, to - from, 'file');
  }
  inode.cache.clear(index, PAGES_PER_PMD, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (pfn, length) => freeFolios(kernel, pfn, length));
  });
  inode.cache.setRun(index, PAGES_PER_PMD, 1, [target.pfn]);
  recalcInode(kernel, inode);
  allocateXarrayNodes(kernel, task, inode.slab, inode.nodes.addAboveLeaves(index, PAGES_PER_PMD));
  const leaves = inode.nodes.removeLeaves(index / PAGES_PER_NODE, PAGES_PER_PMD / PAGES_PER_NODE);
  freeXarrayNodes(kernel, inode.slab, leaves);
  for (const { mm, vma } of mappers) retractTable(kernel, mm, vma, index);
  return 'huge';
}

/** retract_page_tables: an empty table that a huge entry could take the place of goes, except where private copies may be in it. */
function retractTable(kernel: Kernel, mm: Mm, vma: Vma, index: number): void {
  const vpn = vma.start + index - vma.pgoff;
  if (vma.anonVma || vpn % PAGES_PER_PMD !== 0 || vpn < vma.start || vpn + PAGES_PER_PMD > vma.end) return;
  removeTable(kernel, mm, vpn);
}

function removeTable(kernel: Kernel, mm: Mm, vpn: number): void {
  freeAccounted(kernel, mm.tablePages, 'pagetables', mm.tables.removeLeaves(vpn / PAGES_PER_PMD, 1));
}

/** collapse_pte_mapped_thp: the caller's entries give way to a huge one, unless one of them maps a private copy. */
function mapCollapsed(kernel: Kernel, task: Task, mm: Mm, vma: Vma, block: number): CollapseResult {
  if (mm.hugeBlocks.has(block)) return 'huge';
  const vpn = block * PAGES_PER_PMD;
  const pfn = vma.file!.cache.get(indexOf(vma, vpn));
  let isPrivate = false;
  mm.pt.forEach(vpn, PAGES_PER_PMD, (at, n, period, lanes) => {
    if (period > 1 || lanes[0] !== pfn + at - vpn) isPrivate = true;
  });
  if (isPrivate) return 'failed';
  zapRange(kernel, mm, vpn, PAGES_PER_PMD, 'file');
  removeTable(kernel, mm, vpn);
  const added = mm.tables.addAboveLeaves(vpn, PAGES_PER_PMD);
  allocateAccounted(kernel, task, mm.tablePages, 'pagetables', added);
  mapHuge(kernel, mm, vpn, pfn, 1);
  kernel.event('thp_file_mapped', 1);
  if (vma.isLocked) setMlocked(kernel, pfn, PAGES_PER_PMD, true, true);
  return 'huge';
}

/** Room for pages that come back one by one and are off their lists by then (folio_isolate_lru), so that none makes room for the next. */
function holdRoom(kernel: Kernel, task: Task, count: number): Shortage | null {
  const { memcg } = task.process;
  if (!memcg.parent) return null;
  let held = 0;
  let failed: Shortage | null = null;
  while (held < count && !failed) {
    const fitting = Math.min(count - held, memcg.room());
    if (fitting === 0) failed = overLimit(kernel, task, memcg, count - held, 'shmem');
    memcg.charge(fitting);
    held += fitting;
  }
  memcg.uncharge(held);
  return failed;
}
