import { TMPFS_HUGE } from '../../kernel/thp-settings.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';

/** A tmpfs that a script mounted: files below `path` live on it. */
export interface TmpfsMount {
  path: string;
  dev: string;
  huge: (typeof TMPFS_HUGE)[number];
  /** i_ino of the next file; the root has 1 (mm/shmem.c:shmem_reserve_inode). */
  nextIno: number;
}

const OPTION = /^huge=(always|within_size|advise|never)$/;

/** Whether the model knows a file system and its options: tmpfs, with or without huge=. */
export function isModelledMount(type: string, options: string): boolean {
  return type === 'tmpfs' && (options === '' || OPTION.test(options));
}

/** mount(2) of a tmpfs. */
export function mountTmpfs(world: World, path: string, options: string): Outcome {
  if (!path.startsWith('/')) return failed('ENOENT');
  const huge = (OPTION.exec(options)?.[1] ?? 'never') as TmpfsMount['huge'];
  const minor = world.kernel.profile.firstMountMinor + world.mounts.length;
  world.mounts.push({ path: path.replace(/\/+$/, ''), dev: `00:${minor.toString(16)}`, huge, nextIno: 2 });
  return done();
}

/** The innermost mount that a file lies on, or undefined for the root file system. */
export function mountOf(world: World, path: string): TmpfsMount | undefined {
  const holding = world.mounts.filter((mount) => path.startsWith(`${mount.path}/`));
  return holding.sort((a, b) => b.path.length - a.path.length)[0];
}
