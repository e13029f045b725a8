import { createCgroup, type LimitFile, moveProcess, removeCgroup, setLimit } from '../../kernel/cgroups.ts';
import { exitProcess } from '../../kernel/process.ts';
import { parseSize } from '../../units/pages.ts';
import { answered, done, failed } from '../outcome.ts';
import { startWorker } from '../start-worker.ts';
import { isGone, waitedFor } from './death.ts';
import { controllerTask } from './controller-task.ts';
import type { ControllerHandlers } from './handler.ts';
import { isDeadly, isSignal } from './signals.ts';

/** Steps of the controller, which stands outside every worker. `snapshot` is the runner's. */
export const CONTROLLER_STEPS: ControllerHandlers<
  | 'spawn'
  | 'kill'
  | 'wait'
  | 'cgroup create'
  | 'cgroup rm'
  | 'cgroup move'
  | 'cgroup limit'
  | 'sleep'
  | 'settle'
  | 'note'
  | 'mkdir'
  | 'dmesg'
  | 'save'
> = {
  spawn: (world, { worker }) => done(startWorker(world, worker).process.pid),
  kill: (world, { worker, signal }) => {
    const found = world.workers.get(worker);
    if (!isSignal(signal)) return failed('EINVAL');
    if (!found || isGone(found)) return failed('ESRCH');
    if (found.process.isAlive && isDeadly(signal)) {
      found.process.killedBy = `signal ${signal}`;
      exitProcess(world.kernel, found.process);
    }
    return done();
  },
  wait: (world, { worker }) => {
    const found = world.workers.get(worker);
    return found ? waitedFor(found) : failed('ESRCH');
  },
  'cgroup create': (world, { path }) => answered(createCgroup(world.kernel, path)),
  'cgroup rm': (world, { path }) => answered(removeCgroup(world.kernel, path)),
  'cgroup move': (world, { worker, path }) => {
    const found = world.workers.get(worker);
    if (!found || (isGone(found) && world.kernel.cgroups.has(path))) return failed('ESRCH');
    return answered(moveProcess(world.kernel, found.process, path));
  },
  'cgroup limit': (world, { path, file, value }) => {
    const bytes = parseSize(value);
    const text = bytes === undefined ? value : String(bytes);
    return answered(setLimit(world.kernel, controllerTask(world), path, file as LimitFile, text));
  },
  sleep: () => done(),
  settle: () => done(),
  note: () => done(),
  mkdir: () => done(),
  // What these store in a real run are files of the test machine; the model's log is in the result.
  dmesg: () => done(),
  save: () => done(),
};
