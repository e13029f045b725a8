import { softOffline } from '../../kernel/soft-offline.ts';
import type { Step } from '../../scenario/types.ts';
import type { Errno } from '../../units/errno.ts';
import { PAGE_SIZE, pagesFor } from '../../units/pages.ts';
import { answered, done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';
import { controllerTask } from './controller-task.ts';
import type { WorkerHandlers } from './handler.ts';
import { findObject, usage } from './objects.ts';

const FILE = '/sys/devices/system/memory/soft_offline_page';

/** Whether a step takes frames out of use. */
export const isSoftOffline = (step: Step): boolean =>
  step.verb === 'soft_offline' || (step.verb === 'write' && isSoftOfflineFile(step.args.path));

/** Whether a file of the machine is the one that takes a physical address for that. */
export const isSoftOfflineFile = (path: string): boolean => path === FILE;

/** A write to it, as root. */
export function writeSoftOffline(world: World, value: string): Outcome {
  const address = /^\s*(0x[0-9a-f]+|\d+)\s*$/i.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(address)) return failed('EINVAL');
  return answered(softOffline(world.kernel, controllerTask(world), Math.floor(address / PAGE_SIZE)));
}

/** Soft offlining of the frames that hold pages of an object, one write for each: what the file can't say, the model knows. */
export const SOFT_OFFLINE_STEPS: WorkerHandlers<'soft_offline'> = {
  soft_offline: (world, worker, { name, offset, bytes }) => {
    const object = findObject(worker, name);
    if (!object || (!object.inode && object.vpn === null)) return usage();
    if (worker.process.uid !== 0) return failed('EPERM');
    const first = Math.floor(offset / PAGE_SIZE);
    const count = pagesFor(offset + bytes) - first;
    const map = object.inode ? object.inode.cache : worker.process.mm!.pt;
    const base = object.inode ? first : object.vpn! + first;
    const counts = new Map<Errno | 'ok', number>();
    let errno: Errno | 0 = 0;
    for (let k = 0; k < count; k++) {
      const answer = map.has(base + k)
        ? softOffline(world.kernel, worker.task, map.get(base + k))
        : ('ENOENT' as const);
      if (errno === 0) errno = answer;
      const word = answer === 0 ? 'ok' : answer;
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    const words = [...counts].map(([word, n]) => `${word}=${n}`).join(' ');
    return errno === 0 ? done(0, words) : failed(errno, words);
  },
};
