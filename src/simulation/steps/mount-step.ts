import { knowsTmpfsOptions, tmpfsMount, type TmpfsMount } from '../../kernel/tmpfs-mount.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';

/** Where a script mounted a tmpfs: files below `path` live on it. */
export interface MountPoint {
  path: string;
  dev: string;
  /** i_ino of the next file; the root has 1 (mm/shmem.c:shmem_reserve_inode). */
  nextIno: number;
  tmpfs: TmpfsMount;
}

/** Whether the model knows a file system and its options: tmpfs, and of its options those that change where memory is or how much. */
export const isModelledMount = (type: string, options: string): boolean =>
  type === 'tmpfs' && knowsTmpfsOptions(options);

/** mount(2) of a tmpfs. */
export function mountTmpfs(world: World, path: string, options: string): Outcome {
  if (!path.startsWith('/')) return failed('ENOENT');
  const { kernel } = world;
  const nodes = kernel.nodes.filter((node) => node.pages > 0).map(({ nid }) => nid);
  const tmpfs = tmpfsMount(options, kernel.totalPages, nodes);
  if (tmpfs === 'EINVAL') return failed('EINVAL');
  const minor = kernel.profile.firstMountMinor + world.mounts.length;
  world.mounts.push({ path: path.replace(/\/+$/, ''), dev: `00:${minor.toString(16)}`, nextIno: 2, tmpfs });
  return done();
}

/** The innermost mount that a file lies on, or undefined for the root file system. */
export function mountOf(world: World, path: string): MountPoint | undefined {
  const holding = world.mounts.filter((mount) => path.startsWith(`${mount.path}/`));
  return holding.sort((a, b) => b.path.length - a.path.length)[0];
}
