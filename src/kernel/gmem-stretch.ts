import type { Errno } from '../units/errno.ts';
import type { Lane } from '../units/lanes.ts';
import type { MigrateReason } from '../units/migration.ts';
import type { Inode } from './inode.ts';

/** Consecutive frames of a gmem and its pages that they hold: frame `pfn + k` holds page `index + k * stride`. */
export interface GmemStretch extends Lane {
  readonly inode: Inode;
  readonly pfn: number;
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
