import { THP_DEFRAG, THP_ENABLED, THP_SHMEM, type ThpSettings } from '../../kernel/thp-settings.ts';
import { recommendMinFree } from '../../kernel/watermarks.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';

const FILES: Readonly<Record<string, { key: keyof ThpSettings; choices: readonly string[] }>> = {
  '/sys/kernel/mm/transparent_hugepage/enabled': { key: 'enabled', choices: THP_ENABLED },
  '/sys/kernel/mm/transparent_hugepage/shmem_enabled': { key: 'shmem', choices: THP_SHMEM },
  '/sys/kernel/mm/transparent_hugepage/defrag': { key: 'defrag', choices: THP_DEFRAG },
};

/** The model has no khugepaged: it behaves as a kernel whose khugepaged sleeps. Scripts that put it to sleep are fine. */
const KHUGEPAGED_SLEEP = '/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs';

/** Whether a file holds a setting of transparent huge pages. */
export const isThpFile = (path: string): boolean => path in FILES || path === KHUGEPAGED_SLEEP;

/** Writes a setting; what the kernel does not know is EINVAL (mm/huge_memory.c:enabled_store and its like). */
export function writeThpFile(world: World, path: string, value: string): Outcome {
  if (path === KHUGEPAGED_SLEEP) return /^\d+$/.test(value) ? done() : failed('EINVAL');
  const { key, choices } = FILES[path]!;
  if (!choices.includes(value)) return failed('EINVAL');
  world.kernel.thp = { ...world.kernel.thp, [key]: value };
  // start_stop_khugepaged
  if (key === 'enabled' || (key === 'shmem' && world.kernel.profile.shmemThpKeepsFree))
    recommendMinFree(world.kernel);
  return done();
}
