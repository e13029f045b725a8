import { parseZoneinfo } from '../procfs/zoneinfo.ts';
import type { SnapshotFiles } from './capture.ts';

/** Pages that a CPU takes from a zone at a time, and by which a low watermark may differ from what the model computes. */
const SLACK = 64;

/**
 * Pages on the lists of the CPUs of those zones whose free pages have come down to the low watermark: such a zone gives a request nothing
 * although these pages are free. 0 where the capture has no zoneinfo.
 */
export function waitingPages(files: SnapshotFiles): number {
  let waiting = 0;
  for (const { free, limits, populated } of parseZoneinfo(files.get('sys/zoneinfo') ?? '')) {
    if (!populated || free > (limits.get('low') ?? 0) + SLACK) continue;
    waiting += SLACK;
    for (const { fields } of populated.pagesets) waiting += fields.get('count') ?? 0;
  }
  return waiting;
}
