import type { KernelPages } from './kernel-pages.ts';
import type { Kernel } from './kernel.ts';
import { NODE_ITEM } from './node.ts';
import { freeFrames, takePieces } from './page-allocator.ts';
import type { Task } from './task.ts';

/** Bytes charged for one xarray node: the slab object (584) and its owner pointer (8). */
export const XARRAY_NODE_BYTES = 592;

/** Allocates `count` xarray nodes, charged to the task's memcg (XA_FLAGS_ACCOUNT). */
export function allocateXarrayNodes(kernel: Kernel, task: Task, holder: KernelPages, count: number): void {
  if (count === 0) return;
  const memcg = task.process.memcg;
  holder.push({ pfn: 0, count, nid: task.nid, memcg });
  memcg.add('slab_reclaimable', task.nid, count * XARRAY_NODE_BYTES);
  memcg.chargeBytes(count * XARRAY_NODE_BYTES);
  slabChanged(kernel, task, task.nid, count * XARRAY_NODE_BYTES);
}

/** Frees the newest `count` nodes of a holder. */
export function freeXarrayNodes(kernel: Kernel, task: Task | null, holder: KernelPages, count: number): void {
  for (const lot of holder.pop(count)) {
    const memcg = lot.memcg.kernelHome;
    memcg.add('slab_reclaimable', lot.nid, -lot.count * XARRAY_NODE_BYTES);
    memcg.chargeBytes(-lot.count * XARRAY_NODE_BYTES);
    slabChanged(kernel, task, lot.nid, -lot.count * XARRAY_NODE_BYTES);
  }
}

/** Keeps the frames behind a node's slab objects: whole pages. */
function slabChanged(kernel: Kernel, task: Task | null, nid: number, bytes: number): void {
  const node = kernel.nodes[nid]!;
  const before = Math.ceil(kernel.slabBytes[nid]! / 4096);
  kernel.slabBytes[nid] = kernel.slabBytes[nid]! + bytes;
  const delta = Math.ceil(kernel.slabBytes[nid]! / 4096) - before;
  const frames = kernel.slabFrames[nid]!;
  if (delta > 0 && task) {
    const where = { first: kernel.zonelists[nid]!, second: null };
    for (const piece of takePieces(kernel, task, where, delta, false, false)) {
      frames.push({ ...piece, memcg: kernel.rootMemcg });
      kernel.kernelFrames += piece.count;
    }
  }
  if (delta < 0) {
    for (const lot of frames.pop(Math.min(frames.count, -delta))) {
      kernel.kernelFrames -= lot.count;
      freeFrames(kernel, lot.pfn, lot.count);
    }
  }
  if (delta !== 0) node.addAt(NODE_ITEM.nr_slab_reclaimable, delta);
}
