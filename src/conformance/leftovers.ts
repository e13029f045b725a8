import { parseMeminfo, parseNodeMeminfo } from '../procfs/meminfo.ts';
import { parseVmstat } from '../procfs/vmstat.ts';
import type { AskedOfMemory } from './asked-of-memory.ts';
import type { SnapshotFiles } from './capture.ts';

/** How far what boot left in memory sets kernel and model apart, from the first such step of a script on. */
export interface Leftovers {
  /** Huge pages by which the pools differ where the kernel's got fewer than were asked for; else 0. */
  poolPages: number;
  /** Pages by which nodes may differ after memory blocks went offline. */
  offlinePages: number;
  /** Frames that the kernel took and gave back for pages which it could not move out of such blocks. */
  offlineTries?: number;
}

export const NO_LEFTOVERS: Leftovers = { poolPages: 0, offlinePages: 0 };

/** Blocks of a node that hold memory of the kernel itself, so that they stay. */
export const BOOT_BLOCKS = 2;
/** Blocks of 2 MiB per node in which boot left a page that cannot move. */
export const SCATTERED_BLOCKS = 16;
/** Pages of the system's own that anything which moves pages moves along; also those of a block of 2 MiB. */
export const SCATTERED_PAGES = 512;

/** Targets that are taken for a page that fails: with its batch, and alone. */
const TARGETS_PER_FAILURE = 2;

/** Both sides' files at a snapshot, the kernel's at the one before, and the size of a memory block. */
export interface LeftoverInput {
  before: SnapshotFiles;
  kernel: SnapshotFiles;
  model: SnapshotFiles;
  blockPages: number;
}

/** What the steps between two snapshots add to the leftovers so far. */
export function leftoversAfter(
  past: Leftovers,
  asked: AskedOfMemory,
  { before, kernel, model, blockPages }: LeftoverInput,
): Leftovers {
  const apart = asked.pools
    .filter((pool) => isShort(pool, kernel))
    .map(({ nid }) => Math.abs(poolPages(kernel, nid) - poolPages(model, nid)));
  const moved = asked.offlines ? (pagesMoved(kernel) ?? 0) - (pagesMoved(before) ?? 0) : 0;
  const offline = asked.offlines ? BOOT_BLOCKS * blockPages + SCATTERED_PAGES + Math.ceil(moved / 4) : 0;
  const failed = asked.offlines ? pagesFailed(kernel) - pagesFailed(before) : 0;
  const tries = (past.offlineTries ?? 0) + TARGETS_PER_FAILURE * failed;
  return {
    poolPages: Math.max(past.poolPages, ...apart),
    offlinePages: Math.max(past.offlinePages, offline),
    ...(tries > 0 ? { offlineTries: tries } : {}),
  };
}

/** Whether the pool got fewer huge pages than were asked for. */
export const isShort = ({ nid, pages }: AskedOfMemory['pools'][number], files: SnapshotFiles): boolean =>
  poolPages(files, nid) < pages;

/** Huge pages of the pool of a node, or of all together. */
export function poolPages(files: SnapshotFiles, nid: number | null): number {
  if (nid === null) return parseMeminfo(files.get('sys/meminfo') ?? '').get('HugePages_Total') ?? 0;
  const text = files.get(`node${nid}/meminfo`);
  return text === undefined ? 0 : (parseNodeMeminfo(text).values.get('HugePages_Total') ?? 0);
}

/** Pages that the kernel tried to move in vain since boot. */
const pagesFailed = (files: SnapshotFiles): number =>
  parseVmstat(files.get('sys/vmstat') ?? '').get('pgmigrate_fail') ?? 0;

/** Pages that the kernel has moved since boot; null where the snapshot has no vmstat. */
export function pagesMoved(files: SnapshotFiles): number | null {
  const text = files.get('sys/vmstat');
  return text === undefined ? null : (parseVmstat(text).get('pgmigrate_success') ?? 0);
}
