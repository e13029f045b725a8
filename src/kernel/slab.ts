import { type KernelPages, NO_FRAME } from './kernel-pages.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import { NODE_ITEM } from './node.ts';
import { freeFrames, type Piece, takeReserves, takeSlabs } from './page-allocator.ts';
import type { Task } from './task.ts';

/** Bytes charged for one xarray node: the slab object (584) and its owner pointer (8). */
export const XARRAY_NODE_BYTES = 592;
/** Entries of an xarray node (XA_CHUNK_SIZE). */
export const PAGES_PER_NODE = 64;
/** A slab of radix_tree_node is 16 KiB with 28 objects (mm/slub.c:calculate_order). */
const FRAMES_PER_SLAB = 4;
const OBJECTS_PER_SLAB = 28;
const OBJECTS_PER_FRAME: number = OBJECTS_PER_SLAB / FRAMES_PER_SLAB;

/**
 * Allocates `count` xarray nodes for a task: from slabs with room, else from new ones, which the task's policy places. They are charged
 * to its memcg (XA_FLAGS_ACCOUNT); the root group keeps no count of kernel memory.
 */
export function allocateXarrayNodes(
  kernel: Kernel,
  task: Task,
  holder: KernelPages,
  count: number,
  payer: Memcg = task.process.memcg,
): void {
  if (count === 0) return;
  let missing = count - takeFree(kernel, payer, holder, task.nid, count);
  for (let nid = 0; nid < kernel.nodes.length && missing > 0; nid++) {
    missing -= takeFree(kernel, payer, holder, nid, missing);
  }
  if (missing === 0) return;
  const slabs = Math.ceil(missing / OBJECTS_PER_SLAB);
  let frames = slabs * FRAMES_PER_SLAB;
  const hold = (piece: Piece): void => {
    const { nid } = piece;
    kernel.slabFrames[nid]!.push({ ...piece, memcg: kernel.rootMemcg });
    kernel.kernelFrames += piece.count;
    kernel.nodes[nid]!.addAt(NODE_ITEM.nr_slab_reclaimable, piece.count);
    kernel.slabRoom[nid]! += piece.count * OBJECTS_PER_FRAME;
    frames -= piece.count;
    missing -= takeFree(kernel, payer, holder, nid, missing);
    if (missing === 0) dropEmpty(kernel, nid);
  };
  for (const piece of takeSlabs(kernel, task, slabs, FRAMES_PER_SLAB)) hold(piece);
  if (frames > 0) for (const piece of takeReserves(kernel, task, frames)) hold(piece);
}

/** Takes objects from the slabs of a node that have room. Returns how many. */
function takeFree(kernel: Kernel, memcg: Memcg, holder: KernelPages, nid: number, wanted: number): number {
  const count = Math.min(wanted, kernel.slabRoom[nid]!);
  if (count <= 0) return 0;
  kernel.slabRoom[nid]! -= count;
  holder.push({ pfn: NO_FRAME, count, nid, memcg });
  if (memcg.parent) {
    memcg.add('slab_reclaimable', nid, count * XARRAY_NODE_BYTES);
    memcg.chargeBytes(count * XARRAY_NODE_BYTES);
  }
  return count;
}

/** Frees the newest `count` nodes of a holder, and every slab that this empties; objects are taken to lie as dense as they can. */
export function freeXarrayNodes(kernel: Kernel, holder: KernelPages, count: number): void {
  for (const lot of holder.pop(count)) {
    if (lot.memcg.parent) {
      const home = lot.memcg.kernelHome;
      home.add('slab_reclaimable', lot.nid, -lot.count * XARRAY_NODE_BYTES);
      home.chargeBytes(-lot.count * XARRAY_NODE_BYTES);
    }
    kernel.slabRoom[lot.nid]! += lot.count;
    dropEmpty(kernel, lot.nid);
  }
}

/** Frees the slabs of a node that hold nothing. */
function dropEmpty(kernel: Kernel, nid: number): void {
  const frames = kernel.slabFrames[nid]!;
  const held = frames.count;
  const room = kernel.slabRoom[nid]!;
  // Where memory was short a slab may have come in parts; they go with the last object.
  const freed =
    room === held * OBJECTS_PER_FRAME ? held : Math.floor(room / OBJECTS_PER_SLAB) * FRAMES_PER_SLAB;
  for (const slab of frames.pop(freed)) {
    kernel.kernelFrames -= slab.count;
    freeFrames(kernel, slab.pfn, slab.count);
  }
  kernel.slabRoom[nid]! -= freed * OBJECTS_PER_FRAME;
  kernel.nodes[nid]!.addAt(NODE_ITEM.nr_slab_reclaimable, -freed);
}
