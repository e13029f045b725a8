import { forEachLane } from '../../kernel/page-allocator.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { movePages } from '../../kernel/move-pages.ts';
import type { Mm } from '../../kernel/mm.ts';
import type { Process, Task } from '../../kernel/task.ts';
import type { Errno } from '../../units/errno.ts';
import { PAGES_PER_PMD } from '../../units/pages.ts';
import { done, failed, type Outcome } from '../outcome.ts';

/** Errors of single pages, by their number. */
const BY_NUMBER: readonly Errno[] = ['ENOENT', 'EACCES', 'EFAULT'];

/** move_pages(2) without target nodes: where the pages of a range are (ENOENT: not present, EFAULT: the zero page, or no VMA). */
export function nodeHistogram(kernel: Kernel, process: Process, vpn: number, pages: number): Outcome {
  const mm = process.mm!;
  const unit = unitAt(mm, vpn);
  // An address inside a huge page stands for the whole of it.
  vpn -= vpn % unit;
  pages -= pages % unit;
  const nodes = kernel.nodes.map(() => 0);
  let covered = 0;
  let present = 0;
  let zeros = 0;
  for (const vma of mm.overlapping(vpn, vpn + pages)) {
    const from = Math.max(vpn, vma.start);
    const to = Math.min(vpn + pages, vma.end);
    if (vma.isShadow) continue;
    covered += to - from;
    mm.forEachZeroPage(from, to - from, (_, n) => {
      zeros += n;
    });
    mm.pt.forEach(from, to - from, (_, n, period, lanes) => {
      present += n;
      forEachLane(n, period, lanes, (pfn, length) => {
        const nid = kernel.nidOf(pfn);
        nodes[nid] = nodes[nid]! + length;
      });
    });
  }
  const words = [`n=${pages / unit}`];
  nodes.forEach((n, nid) => n > 0 && words.push(`N${nid}=${n / unit}`));
  const absent = covered - present - zeros;
  const unknown = pages - covered + zeros;
  if (absent > 0) words.push(`ENOENT=${absent / unit}`);
  if (unknown > 0) words.push(`EFAULT=${unknown / unit}`);
  return done(0, words.join(' '));
}

/** Pages that one address stands for in a call of move_pages: whole huge pages in a mapping of such. */
const unitAt = (mm: Mm, vpn: number): number => (mm.find(vpn)?.hugetlb ? PAGES_PER_PMD : 1);

/** move_pages(2) to a node: what it returned, and a histogram of the status words; those that it did not write count as `unset`. */
export function moveHistogram(kernel: Kernel, task: Task, vpn: number, pages: number, node: number): Outcome {
  const unit = unitAt(task.process.mm!, vpn);
  vpn -= vpn % unit;
  pages -= pages % unit;
  const { ret, statuses } = movePages(kernel, task, task.process.mm!, vpn, pages, node);
  const words = [`n=${pages / unit}`];
  let unset = pages;
  const rank = (status: number | Errno): number =>
    typeof status === 'number' ? status : kernel.nodes.length + BY_NUMBER.indexOf(status);
  for (const [status, n] of [...statuses].sort(([a], [b]) => rank(a) - rank(b))) {
    if (n === 0) continue;
    words.push(`${typeof status === 'number' ? `N${status}` : status}=${n / unit}`);
    unset -= n;
  }
  if (unset > 0) words.push(`unset=${unset / unit}`);
  const message = words.join(' ');
  return typeof ret === 'number' ? done(ret, message) : failed(ret, message);
}
