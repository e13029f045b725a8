import { done, failed, type Outcome } from '../outcome.ts';

/** Values that a file takes: whole numbers from and to, or words. */
type Values = readonly [from: number, to: number] | RegExp;

const THP = '/sys/kernel/mm/transparent_hugepage';
const ANY = [0, 2 ** 31 - 1] as const;

/**
 * Settings that change nothing of what the model holds: what is in memory follows from steps alone there, not from daemons, timers and
 * logs that these tune.
 */
const FILES: Readonly<Record<string, Values>> = {
  '/proc/sys/vm/stat_refresh': ANY,
  '/proc/sys/vm/stat_interval': ANY,
  '/proc/sys/vm/compaction_proactiveness': [0, 100],
  '/proc/sys/vm/oom_dump_tasks': ANY,
  '/proc/sys/vm/vfs_cache_pressure': ANY,
  '/proc/sys/vm/dirty_writeback_centisecs': ANY,
  '/proc/sys/vm/dirty_expire_centisecs': ANY,
  '/proc/sys/vm/dirty_ratio': [0, 100],
  '/proc/sys/vm/dirty_background_ratio': [0, 100],
  // What the model does in any case: other values would change something, and are not among those that it takes.
  '/proc/sys/vm/panic_on_oom': [0, 0],
  '/proc/sys/vm/oom_kill_allocating_task': [0, 0],
  '/proc/sys/vm/zone_reclaim_mode': [0, 0],
  '/proc/sys/kernel/numa_balancing': [0, 0],
  '/sys/kernel/mm/ksm/run': [0, 0],
  '/sys/kernel/mm/numa/demotion_enabled': /^(0|false)$/,
  [`${THP}/khugepaged/pages_to_scan`]: [1, 2 ** 31 - 1],
  [`${THP}/khugepaged/alloc_sleep_millisecs`]: ANY,
};

/** Whether a value written to a file changes nothing, or is one that the kernel refuses. */
export function isQuietWrite(path: string, value: string): boolean {
  const values = FILES[path];
  if (!values) return false;
  // A file that only takes what the model does in any case leaves other values to a real kernel.
  return takes(values, value) || !isFixed(values);
}

/** Writes such a setting: what is no value of it is EINVAL. */
export const writeQuietFile = (path: string, value: string): Outcome =>
  takes(FILES[path]!, value) ? done() : failed('EINVAL');

function takes(values: Values, text: string): boolean {
  if (values instanceof RegExp) return values.test(text);
  return /^\d+$/.test(text) && Number(text) >= values[0] && Number(text) <= values[1];
}

const isFixed = (values: Values): boolean => values instanceof RegExp || values[0] === values[1];
