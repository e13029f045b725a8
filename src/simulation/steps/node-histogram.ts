import { forEachLane } from '../../kernel/page-allocator.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { movePages } from '../../kernel/move-pages.ts';
import type { Process, Task } from '../../kernel/task.ts';
import type { Errno } from '../../units/errno.ts';
import { done, failed, type Outcome } from '../outcome.ts';

/** Errors of single pages, by their number. */
const BY_NUMBER: readonly Errno[] = ['ENOENT', 'EACCES', 'EFAULT'];

/** move_pages(2) without target nodes: where the pages of a range are (ENOENT: not present, EFAULT: no VMA). */
export function nodeHistogram(kernel: Kernel, process: Process, vpn: number, pages: number): Outcome {
  const mm = process.mm!;
  const nodes = kernel.nodes.map(() => 0);
  let covered = 0;
  let present = 0;
  for (const vma of mm.overlapping(vpn, vpn + pages)) {
    const from = Math.max(vpn, vma.start);
    const to = Math.min(vpn + pages, vma.end);
    if (vma.isShadow) continue;
    covered += to - from;
    mm.pt.forEach(from, to - from, (_, n, period, lanes) => {
      present += n;
      forEachLane(n, period, lanes, (pfn, length) => {
        const nid = kernel.nidOf(pfn);
        nodes[nid] = nodes[nid]! + length;
      });
    });
  }
  const words = [`n=${pages}`];
  nodes.forEach((n, nid) => n > 0 && words.push(`N${nid}=${n}`));
  if (covered > present) words.push(`ENOENT=${covered - present}`);
  if (pages > covered) words.push(`EFAULT=${pages - covered}`);
  return done(0, words.join(' '));
}

/** move_pages(2) to a node: what it returned, and a histogram of the status words; those that it did not write count as `unset`. */
export function moveHistogram(kernel: Kernel, task: Task, vpn: number, pages: number, node: number): Outcome {
  const { ret, statuses } = movePages(kernel, task, task.process.mm!, vpn, pages, node);
  const words = [`n=${pages}`];
  let unset = pages;
  const rank = (status: number | Errno): number =>
    typeof status === 'number' ? status : kernel.nodes.length + BY_NUMBER.indexOf(status);
  for (const [status, n] of [...statuses].sort(([a], [b]) => rank(a) - rank(b))) {
    if (n === 0) continue;
    words.push(`${typeof status === 'number' ? `N${status}` : status}=${n}`);
    unset -= n;
  }
  if (unset > 0) words.push(`unset=${unset}`);
  const message = words.join(' ');
  return typeof ret === 'number' ? done(ret, message) : failed(ret, message);
}
