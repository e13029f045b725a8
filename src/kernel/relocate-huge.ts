import type { MigrateRequest } from '../units/migration.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import type { FrameUse } from './frame-uses.ts';
import { takeBlocks } from './huge-frames.ts';
import type { Kernel } from './kernel.ts';
import type { Move } from './migrate.ts';
import { moveHugeFolios, splitForMigration } from './migrate-huge.ts';
import { countEvents } from './page-allocator.ts';
import { relocate } from './relocate.ts';
import type { Task } from './task.ts';

/**
 * Moves a stretch of huge folios to nodes in their order, as a whole; those for which there is no huge target are split, and their pages
 * stay (mm/migrate.c:migrate_pages_batch).
 */
export function relocateHuge(
  kernel: Kernel,
  task: Task,
  uses: readonly FrameUse[],
  source: { start: number; count: number },
  nids: readonly number[],
  request: MigrateRequest,
): void {
  const moves: Move[] = [];
  let from = source.start;
  for (const { pfn, blocks, nid } of takeBlocks(kernel, nids, source.count / PAGES_PER_PMD, true)) {
    countEvents(kernel, task, nid, nids[0]!, blocks, false);
    moves.push({ from, to: pfn, count: blocks * PAGES_PER_PMD });
    from += blocks * PAGES_PER_PMD;
  }
  const moved = from - source.start;
  if (moved > 0) {
    const gone = relocate(kernel, uses, moves, request);
    moveHugeFolios(kernel, gone);
    kernel.event('thp_migration_success', gone.reduce((sum, { count }) => sum + count, 0) / PAGES_PER_PMD);
  }
  if (moved < source.count) splitForMigration(kernel, { pfn: from, count: source.count - moved });
}
