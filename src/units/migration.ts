/** Words of mm/migrate.c that the kernel and the contract of designs share. */
import type { Errno } from './errno.ts';

/** enum migrate_mode: async never waits, sync-light waits for most, sync for everything. */
export type MigrateMode = 'async' | 'sync-light' | 'sync';

/** enum migrate_reason: who moves. */
export type MigrateReason =
  'compaction' | 'memory-failure' | 'memory-hotplug' | 'syscall' | 'mempolicy-mbind' | 'numa-misplaced';

/** How migrate_pages() was called. */
export interface MigrateRequest {
  readonly mode: MigrateMode;
  readonly reason: MigrateReason;
}

/** One pass over folios that did not move in those before; the first is 0. */
export interface MigrateAttempt extends MigrateRequest {
  readonly pass: number;
  /** Pages of each folio. */
  readonly folioPages: number;
}

/**
 * What migrate_folio said of the first `count` pages that it was asked for: 0 moves them, EAGAIN leaves them to the next pass, any other
 * errno makes them stay.
 */
export interface MigrateAnswer {
  readonly errno: Errno | 0;
  readonly count: number;
}
