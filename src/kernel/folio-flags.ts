import type { Kernel } from './kernel.ts';

/** Sets PG_dirty on consecutive frames (folio_mark_dirty); those that have it stay as they are. */
export function markDirty(kernel: Kernel, pfn: number, count: number): void {
  const { classes, frames } = kernel;
  if (count === 1) {
    if (!classes.get(frames.classOf(pfn)).dirty) frames.reclass(pfn, 1, (id) => classes.dirtied(id));
    return;
  }
  let isClean = false;
  frames.forEach(pfn, count, (_start, _count, id) => {
    if (!classes.get(id).dirty) isClean = true;
  });
  if (isClean) frames.reclass(pfn, count, (id) => classes.dirtied(id));
}
