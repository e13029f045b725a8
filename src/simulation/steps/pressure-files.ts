import { LIMIT_FILES, type LimitFile, setLimit } from '../../kernel/cgroups.ts';
import { dropSlab } from '../../kernel/drop-slab.ts';
import { dropPageCache } from '../../kernel/reclaim.ts';
import { writeSubtreeControl } from '../../kernel/subtree-control.ts';
import { parseSize } from '../../units/pages.ts';
import { answered, done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';
import { controllerTask } from './controller-task.ts';

const CGROUP_FILE = /^\/sys\/fs\/cgroup(\/.*)?\/([^/]+)$/;
const DROP_CACHES = '/proc/sys/vm/drop_caches';
const SUBTREE_CONTROL = 'cgroup.subtree_control';

/** Whether a file is one that limits or takes memory: drop_caches, and those of a cgroup. */
export function isPressureFile(path: string): boolean {
  if (path === DROP_CACHES) return true;
  const name = CGROUP_FILE.exec(path)?.[2];
  return name !== undefined && (LIMIT_FILES.has(name) || name === SUBTREE_CONTROL);
}

/** Writes such a file as root. */
export function writePressureFile(world: World, path: string, value: string): Outcome {
  if (path === DROP_CACHES) return dropCaches(world, Number(value));
  const [, group = '/', name = ''] = CGROUP_FILE.exec(path)!;
  if (name === SUBTREE_CONTROL) {
    const directory = world.kernel.cgroups.get(group);
    return directory ? answered(writeSubtreeControl(world.kernel, directory, value)) : failed('ENOENT');
  }
  const bytes = parseSize(value);
  const text = bytes === undefined ? value : String(bytes);
  return answered(setLimit(world.kernel, controllerTask(world), group, name as LimitFile, text));
}

/** drop_caches: bit 0 for page cache, bit 1 for slab objects that could be made again. */
export function dropCaches(world: World, what: number): Outcome {
  if (!Number.isInteger(what) || what < 1 || what > 4) return failed('EINVAL');
  if ((what & 1) !== 0) dropPageCache(world.kernel);
  if ((what & 2) !== 0) dropSlab(world.kernel, controllerTask(world));
  return done();
}
