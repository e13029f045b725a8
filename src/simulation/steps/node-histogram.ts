import { forEachLane } from '../../kernel/page-allocator.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Process } from '../../kernel/task.ts';
import { done, type Outcome } from '../outcome.ts';

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
