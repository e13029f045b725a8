import { allocateFolios } from '../kernel/folios.ts';
import type { FolioKind } from '../kernel/folio-class.ts';
import type { Inode } from '../kernel/inode.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { type FrameRun, NO_INTERLEAVE_INDEX } from '../kernel/page-allocator.ts';
import { Process } from '../kernel/task.ts';
import type { MachineZone } from '../scenario/types.ts';
import { pagesFor } from '../units/pages.ts';
import { placeBootMemory } from './boot-memory.ts';

/** Bytes that are there before the first step. */
interface Background {
  background: { pageCache: number; anon: number; slab: number; shmem?: number | undefined };
  zones?: readonly MachineZone[] | undefined;
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
    cgroup: kernel.rootCgroup,
    mm: null,
    cpu,
    nid,
  });
}

/** Fills nodes with what the machine description says is there. Allocation events count from afterwards on. */
export function placeBackground(kernel: Kernel, nodes: readonly Background[]): void {
  nodes.forEach(({ background, zones }, nid) => {
    const inode = kernel.newInode({
      kind: 'file',
      dev: '08:01',
      path: `background of node ${nid}`,
      name: 'background',
      sizePages: 0,
      ino: 0,
    });
    kernel.background[nid] = inode;
    growBackground(kernel, nid, pagesFor(background.pageCache));
    const anon = pagesFor(background.anon);
    take(kernel, nid, 'anon', null, anon);
    kernel.nodes[nid]!.add('nr_anon_pages', anon);
    kernel.rootMemcg.add('anon', nid, anon);
    const slab = pagesFor(background.slab);
    const left = zones ? placeBootMemory(kernel, nid, slab, zones) : slab;
    take(kernel, nid, 'kernel', null, left);
    kernel.nodes[nid]!.add('nr_slab_unreclaimable', slab);
    placeBootFiles(kernel, nid, pagesFor(background.shmem ?? 0));
  });
  for (const node of kernel.nodes) {
    for (const name of Object.keys(node.numa) as (keyof typeof node.numa)[]) node.numa[name] = 0;
  }
}

/** Files of the tmpfs that the kernel booted from: no process has them open. */
function placeBootFiles(kernel: Kernel, nid: number, pages: number): void {
  if (pages === 0) return;
  const inode = kernel.newInode({
    kind: 'shmem',
    dev: '00:02',
    path: `rootfs of node ${nid}`,
    name: 'rootfs',
    sizePages: pages,
    ino: 0,
    reservesWhole: true,
  });
  let at = 0;
  for (const run of take(kernel, nid, 'shmem', inode, pages)) {
    inode.cache.setRun(at, run.count, run.period, run.lanes);
    at += run.count;
  }
}

/** Adds page cache to the end of a node's background file. Returns the first new page index. */
export function growBackground(kernel: Kernel, nid: number, pages: number): number {
  const inode = kernel.background[nid]!;
  const start = inode.sizePages;
  let at = start;
  for (const run of take(kernel, nid, 'file', inode, pages)) {
    inode.cache.setRun(at, run.count, run.period, run.lanes);
    at += run.count;
  }
  inode.sizePages = at;
  return start;
}

function take(kernel: Kernel, nid: number, kind: FolioKind, inode: Inode | null, count: number): FrameRun[] {
  const runs: FrameRun[] = [];
  for (let left = count; left > 0;) {
    const answer = allocateFolios(kernel, kernelProcess(kernel, nid).main, {
      kind,
      inode,
      policy: { mode: 'bind', flags: [], nodes: [nid] },
      ilx: NO_INTERLEAVE_INDEX,
      count: left,
      // Files of tmpfs were written when they were unpacked.
      dirty: kind !== 'file',
    });
    left -= answer.count;
    runs.push(...answer.runs);
    if (answer.failed) {
      throw new RangeError(
        `node ${nid} of the machine has no room for its background: ${left} pages are missing`,
      );
    }
  }
  return runs;
}
