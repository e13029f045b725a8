import type { FolioKind } from './folio-class.ts';
import { placeHugeFolios } from './huge-folios.ts';
import type { HugePiece } from './huge-frames.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import { forEachLane, NO_INTERLEAVE_INDEX } from './page-allocator.ts';
import type { Walk } from './stretches.ts';
import type { Task } from './task.ts';

/** What became of a block (enum scan_result), as far as callers tell it apart; `unfit`: nothing was tried; `EAGAIN`: a page was not ready. */
export type CollapseResult = 'huge' | 'unfit' | 'failed' | 'EAGAIN' | 'ENOMEM' | 'EBUSY';

/** The node with the most of the pages that `walk` visits, then those with as many; all nodes where there is no page (mm/khugepaged.c:hpage_collapse_find_target_node). */
export function heaviestNodes(kernel: Kernel, walk: Walk): number[] {
  const load = kernel.nodes.map(() => 0);
  walk((_, count, period, lanes) =>
    forEachLane(count, period, lanes, (pfn, n) => {
      load[kernel.nidOf(pfn)]! += n;
    }),
  );
  const most = Math.max(...load);
  return kernel.nodes
    .map(({ nid }) => nid)
    .filter((nid) => load[nid] === most && kernel.nodes[nid]!.pages > 0);
}

/** mm/khugepaged.c:alloc_charge_folio: a huge folio on the first of the nodes that has one, charged to the group of the process. */
export function placeCollapsed(
  kernel: Kernel,
  task: Task,
  kind: FolioKind,
  inode: Inode | null,
  nids: readonly number[],
): HugePiece | 'ENOMEM' | 'EBUSY' {
  for (const nid of nids) {
    const { pieces, isRefused } = placeHugeFolios(kernel, task, {
      kind,
      inode,
      policy: { mode: 'bind', flags: [], nodes: [nid] },
      ilx: NO_INTERLEAVE_INDEX,
      blocks: 1,
      dirty: true,
      mayReclaim: true,
    });
    if (pieces.length === 0 && !isRefused) continue;
    kernel.event('thp_collapse_alloc', 1);
    if (pieces.length === 0) return 'EBUSY';
    task.process.memcg.vmEvent('thp_collapse_alloc', 1);
    return pieces[0]!;
  }
  kernel.event('thp_collapse_alloc_failed', 1);
  return 'ENOMEM';
}
