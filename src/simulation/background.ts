import { allocateFolios } from '../kernel/folios.ts';
import type { FolioKind } from '../kernel/folio-class.ts';
import type { Inode } from '../kernel/inode.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { NO_INTERLEAVE_INDEX } from '../kernel/page-allocator.ts';
import { Process } from '../kernel/task.ts';
import { pagesFor } from '../units/pages.ts';

/** Bytes that are there before the first step. */
interface Background {
  background: { pageCache: number; anon: number; slab: number };
}

/** The kernel itself, as the one who allocates; in the root cgroup, never listed. */
export function kernelProcess(kernel: Kernel, nid: number): Process {
  const cpu = kernel.nodes[nid]!.cpus[0] ?? 0;
  return new Process({
    worker: '',
    pid: 0,
    ppid: 0,
    comm: 'swapper',
    cmdline: [],
    memcg: kernel.rootMemcg,
    mm: null,
    cpu,
    nid,
  });
}

/** Fills nodes with what the machine description says is there. Allocation events count from afterwards on. */
export function placeBackground(kernel: Kernel, nodes: readonly Background[]): void {
  nodes.forEach(({ background }, nid) => {
    const inode = kernel.newInode({
      kind: 'file',
      dev: '08:01',
      path: `background of node ${nid}`,
      name: 'background',
      sizePages: pagesFor(background.pageCache),
      ino: 0,
    });
    kernel.background[nid] = inode;
    growBackground(kernel, nid, pagesFor(background.pageCache));
    const anon = pagesFor(background.anon);
    take(kernel, nid, 'anon', null, anon);
    kernel.nodes[nid]!.add('nr_anon_pages', anon);
    kernel.rootMemcg.add('anon', nid, anon);
    const slab = pagesFor(background.slab);
    take(kernel, nid, 'kernel', null, slab);
    kernel.nodes[nid]!.add('nr_slab_unreclaimable', slab);
  });
  for (const node of kernel.nodes) {
    for (const name of Object.keys(node.numa) as (keyof typeof node.numa)[]) node.numa[name] = 0;
  }
}

/** Adds page cache to a node's background file. Returns the first new page index. */
export function growBackground(kernel: Kernel, nid: number, pages: number): number {
  const inode = kernel.background[nid]!;
  const start = inode.cache.size;
  let at = start;
  for (const run of take(kernel, nid, 'file', inode, pages)) {
    inode.cache.setRun(at, run.count, run.period, run.lanes);
    at += run.count;
  }
  inode.sizePages = Math.max(inode.sizePages, at);
  return start;
}

function take(
  kernel: Kernel,
  nid: number,
  kind: FolioKind,
  inode: Inode | null,
  count: number,
): { count: number; period: number; lanes: number[] }[] {
  if (count === 0) return [];
  const answer = allocateFolios(kernel, kernelProcess(kernel, nid).main, {
    kind,
    inode,
    policy: { mode: 'bind', flags: [], nodes: [nid] },
    ilx: NO_INTERLEAVE_INDEX,
    count,
    dirty: kind === 'anon',
  });
  if (answer.failed) {
    throw new RangeError(
      `node ${nid} of the machine has no room for its background: ${count - answer.count} pages are missing`,
    );
  }
  return answer.runs;
}
