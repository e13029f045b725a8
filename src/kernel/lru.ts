import type { LruAge } from './folio-class.ts';
import { accountFolios } from './folios.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';

/** Gives folios the age that `next` makes of theirs, huge ones as a whole; what is not young counts as inactive. */
export function changeAge(kernel: Kernel, pfn: number, count: number, next: (age: LruAge) => LruAge): void {
  const { classes, frames } = kernel;
  const changes: { start: number; pages: number; from: number; to: number }[] = [];
  frames.forEach(pfn, count, (start, pages, id) => {
    const { age, order } = classes.get(id);
    const to = classes.aged(id, next(age));
    if (to === id) return;
    const size = order === 0 ? 1 : PAGES_PER_PMD;
    const first = Math.floor(start / size) * size;
    const end = Math.ceil((start + pages) / size) * size;
    changes.push({ start: first, pages: end - first, from: id, to });
  });
  for (const { start, pages, from, to } of changes) {
    accountFolios(kernel, classes.get(from), kernel.nidOf(start), -pages);
    accountFolios(kernel, classes.get(to), kernel.nidOf(start), pages);
    frames.reclass(start, pages, () => to);
  }
}

/** An access sets the accessed bits of what it finds mapped. */
export function touchMapped(kernel: Kernel, mm: Mm, vpn: number, count: number): void {
  mm.pt.forEach(vpn, count, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (pfn, length) =>
      changeAge(kernel, pfn, length, (age) => (age === 'old' ? 'touched' : age)),
    );
  });
}

/** A scan clears the accessed bits and leaves the folio behind the newest generations (mm/vmscan.c:lru_gen_look_around, inc_max_seq). */
export function growOld(kernel: Kernel, pfn: number, count: number): void {
  kernel.hasAgedFolios = true;
  changeAge(kernel, pfn, count, () => 'old');
}

/**
 * Folios whose write-back has ended go to the oldest generation of their lists (mm/swap.c:folio_rotate_reclaimable, lru_gen_add_folio). That
 * is one of the two newest, which count as active, where reclaim has found nothing older.
 */
export function rotateReclaimable(kernel: Kernel, pfn: number, count: number): void {
  const stretches: { start: number; pages: number }[] = [];
  kernel.frames.forEach(pfn, count, (start, pages, id) => {
    const { memcg } = kernel.classes.get(id);
    const nid = kernel.nidOf(start);
    const hasOlder = !memcg.hasTwoGenerations.has(nid) || memcg.own('inactive_anon', nid) > 0;
    if (hasOlder) stretches.push({ start, pages });
  });
  for (const { start, pages } of stretches) growOld(kernel, start, pages);
}
