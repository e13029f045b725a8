import type { Errno } from '../units/errno.ts';
import type { MigrateReason } from '../units/migration.ts';
import type { Inode } from './inode.ts';

/** Consecutive frames of a gmem: frame `pfn + k` holds page `index + k * stride`. */
export interface GmemStretch {
  readonly inode: Inode;
  readonly pfn: number;
  readonly count: number;
  readonly index: number;
  readonly stride: number;
}

/** How a call of migrate_pages() ended for pages of a gmem. */
export interface GmemMigration {
  readonly inode: Inode;
  readonly reason: MigrateReason;
  readonly moved: number;
  readonly failed: number;
  /** Pages that compaction passed over, as they are none that it may take; absent: none. */
  readonly passed?: number;
  /** Why pages stayed; 0 when none did. */
  readonly errno: Errno | 0;
}

/** Visits the pages of a stretch as ranges of the file: all at once where they are consecutive, else one by one. */
export function forEachRange(
  { index, count, stride, pfn }: GmemStretch,
  visit: (index: number, count: number, pfn: number) => void,
): void {
  if (stride === 1 || count === 1) {
    visit(index, count, pfn);
    return;
  }
  for (let k = 0; k < count; k++) visit(index + k * stride, 1, pfn + k);
}
