import { done, failed, type Outcome } from '../outcome.ts';
import type { Worker } from '../worker.ts';
import type { World } from '../world.ts';

/** Files of /proc/PID that everybody may read, and those that ask ptrace_may_access (fs/proc/base.c:tgid_base_stuff). */
const OPEN_FILES: readonly string[] = ['cmdline', 'oom_score', 'oom_score_adj', 'stat', 'statm', 'status'];
const TRACED_FILES: readonly string[] = ['fdinfo', 'maps', 'numa_maps', 'smaps', 'smaps_rollup'];

/** Whether one process may read a file of another: EACCES where it may not, ENOENT where there is none of that name. */
export function readProcFile(world: World, worker: Worker, name: string, file: string): Outcome {
  const target = world.workers.get(name);
  if (!target?.process.mm) return failed('ESRCH');
  const own = world.readers.procFiles(target.process);
  const isAdded = Object.hasOwn(own, file);
  if (!isAdded && !OPEN_FILES.includes(file) && !TRACED_FILES.includes(file)) return failed('ENOENT');
  const isOpen = isAdded ? world.readers.isWorldReadable() : OPEN_FILES.includes(file);
  const mayTrace = worker.process.uid === 0 || worker.process.uid === target.process.uid;
  return isOpen || mayTrace ? done() : failed('EACCES');
}
