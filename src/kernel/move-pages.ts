import type { Errno } from '../units/errno.ts';
import { allowedNodes } from './cpuset.ts';
import type { Kernel } from './kernel.ts';
import { migratePages, type Isolated } from './migrate.ts';
import { framesOf } from './migrate-pages.ts';
import type { Mm } from './mm.ts';
import { forEachStretch, isMigratable } from './queue-pages.ts';
import { forEachMapping } from './rmap.ts';
import type { Task } from './task.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/** What move_pages(2) returned, and the status words that it wrote: node or errno, and for how many pages. */
export interface MoveAnswer {
  ret: number | Errno;
  statuses: ReadonlyMap<number | Errno, number>;
}

/** Consecutive pages with the same fate: queued, or a status at once. */
interface Stretch {
  vpn: number;
  count: number;
  /** null: to be queued. */
  status: number | Errno | null;
  pages: readonly Isolated[];
}

/**
 * move_pages(2) with MPOL_MF_MOVE of consecutive pages of the caller to one node of its cpuset (mm/migrate.c:do_pages_move). Queued pages are moved when
 * a page comes that is not queued, and at the end; where some can't be moved the call ends, and the rest of the status words is not
 * written.
 */
export function movePages(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vpn: number,
  count: number,
  nid: number,
): MoveAnswer {
  const statuses = new Map<number | Errno, number>();
  if ((kernel.nodes[nid]?.pages ?? 0) === 0) return { ret: count === 0 ? 0 : 'ENODEV', statuses };
  if (count > 0 && !allowedNodes(kernel, task.process).includes(nid)) return { ret: 'EACCES', statuses };
  const store = (status: number | Errno, n: number): void => {
    statuses.set(status, (statuses.get(status) ?? 0) + n);
  };
  let queue: Isolated[] = [];
  let queued = 0;
  /** move_pages_and_store_status; `at` is the number of pages looked at. */
  const flush = (at: number): number | Errno => {
    const { failed, isOutOfMemory } = migratePages(kernel, queue, framesOf(kernel, task, nid), {
      mode: 'sync',
      reason: 'syscall',
    });
    if (isOutOfMemory) return 'ENOMEM';
    if (failed > 0) return failed + count - at;
    store(nid, queued);
    queue = [];
    queued = 0;
    return 0;
  };
  for (const stretch of stretches(kernel, mm, vpn, count, nid)) {
    if (stretch.status === null) {
      queue.push(...stretch.pages);
      queued += stretch.count;
      continue;
    }
    if (queued > 0) {
      store(stretch.status, 1);
      const at = stretch.vpn - vpn;
      const ret = flush(at);
      // The page at hand has its status.
      if (ret !== 0) return { ret: typeof ret === 'number' ? ret - 1 : ret, statuses };
      store(stretch.status, stretch.count - 1);
    } else store(stretch.status, stretch.count);
  }
  const ret = queued > 0 ? flush(count) : 0;
  return { ret, statuses };
}

/** add_folio_for_migration over a range, in address order. */
function stretches(kernel: Kernel, mm: Mm, vpn: number, count: number, nid: number): Stretch[] {
  const out: Stretch[] = [];
  const end = vpn + count;
  let at = vpn;
  const gap = (to: number, status: Errno): void => {
    if (to > at) out.push({ vpn: at, count: to - at, status, pages: [] });
    at = Math.max(at, to);
  };
  // The zero page is nobody's to move.
  const absent = (to: number): void => {
    mm.forEachZeroPage(at, Math.max(0, to - at), (start, n) => {
      gap(start, 'ENOENT');
      gap(start + n, 'EFAULT');
    });
    gap(to, 'ENOENT');
  };
  for (const vma of mm.overlapping(vpn, end)) {
    if (!isMigratable(kernel, vma)) continue;
    gap(Math.max(vpn, vma.start), 'EFAULT');
    const stop = Math.min(end, vma.end);
    forEachMapping(mm, vma, at, stop - at, (start, n) => {
      absent(start);
      out.push(...stretchesOfRun(kernel, mm, start, n, nid));
      at = start + n;
    });
    absent(stop);
  }
  gap(end, 'EFAULT');
  return out;
}

function stretchesOfRun(kernel: Kernel, mm: Mm, vpn: number, count: number, nid: number): Stretch[] {
  const vma = mm.find(vpn)!;
  const pieces: Stretch[] = [];
  let isStrided = false;
  forEachStretch(kernel, mm, vma, vpn, count, (stretch, node, maps) => {
    if (stretch.stride > 1) isStrided = true;
    const status = node === nid ? nid : maps > 1 ? 'EACCES' : null;
    if (status === null && kernel.classes.get(kernel.frames.classOf(stretch.pfn)).order > 0) {
      pieces.push(...stretchesOfHuge(stretch, nid));
      return;
    }
    pieces.push({ vpn: stretch.vpn, count: stretch.count, status, pages: status === null ? [stretch] : [] });
  });
  const first = pieces[0]!.status;
  if (pieces.every(({ status }) => status === first)) {
    return [{ vpn, count, status: first, pages: pieces.flatMap(({ pages }) => pages) }];
  }
  if (!isStrided) return pieces;
  // Lanes of different fate take turns page by page, and so does the kernel.
  return Array.from({ length: count }, (_, k) => stretchesOfRun(kernel, mm, vpn + k, 1, nid)[0]!);
}

/**
 * Pages of huge folios: the first one takes the folio off its list, the second one finds it gone (EBUSY), so that the folio is moved, and
 * the others are where they should be.
 */
function stretchesOfHuge(stretch: Isolated, nid: number): Stretch[] {
  const out: Stretch[] = [];
  const end = stretch.pfn + stretch.count;
  for (let pfn = stretch.pfn; pfn < end;) {
    const n = Math.min(end, (Math.floor(pfn / PAGES_PER_PMD) + 1) * PAGES_PER_PMD) - pfn;
    const vpn = stretch.vpn + pfn - stretch.pfn;
    out.push({ vpn, count: 1, status: null, pages: [{ ...stretch, vpn, pfn, count: 1 }] });
    if (n > 1) out.push({ vpn: vpn + 1, count: 1, status: 'EBUSY', pages: [] });
    if (n > 2) out.push({ vpn: vpn + 2, count: n - 2, status: nid, pages: [] });
    pfn += n;
  }
  return out;
}
