import { PAGES_PER_PMD } from '../units/pages.ts';
import type { Kernel } from './kernel.ts';

/** Gives anonymous folios among consecutive frames marks of their own. */
export function markAnonymous(kernel: Kernel, pfn: number, count: number, marks: number): void {
  const { classes, frames } = kernel;
  const found: { start: number; pages: number; to: number }[] = [];
  frames.forEach(pfn, count, (start, pages, id) => {
    const to = classes.get(id).kind === 'anon' ? classes.marked(id, marks) : id;
    if (to !== id) found.push({ start, pages, to });
  });
  for (const { start, pages, to } of found) frames.reclass(start, pages, () => to);
}

/** Sets PG_dirty on consecutive frames (folio_mark_dirty); those that have it stay as they are. A huge folio has one flag for all its pages. */
export function markDirty(kernel: Kernel, pfn: number, count: number): void {
  const { classes, frames } = kernel;
  if (count === 1) {
    const { dirty, order } = classes.get(frames.classOf(pfn));
    if (dirty) return;
    if (order === 0) {
      frames.reclass(pfn, 1, (id) => classes.dirtied(id));
      return;
    }
  }
  const clean: { from: number; to: number }[] = [];
  frames.forEach(pfn, count, (start, pages, id) => {
    const { dirty, order } = classes.get(id);
    if (dirty) return;
    const size = order === 0 ? 1 : PAGES_PER_PMD;
    clean.push({ from: Math.floor(start / size) * size, to: Math.ceil((start + pages) / size) * size });
  });
  for (const { from, to } of clean) frames.reclass(from, to - from, (id) => classes.dirtied(id));
}
