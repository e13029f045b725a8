import { offlineBlock, onlineBlock } from '../../kernel/offline.ts';
import { blockExists } from '../../kernel/memory-blocks.ts';
import { answered, done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';
import { controllerTask } from './controller-task.ts';

const FILE = /^\/sys\/devices\/system\/memory\/memory(\d+)\/(state|online)$/;
const ONLINE: ReadonlySet<string> = new Set(['online', 'online_kernel', 'online_movable']);

/** Whether a file switches a memory block. */
export const isMemoryBlockFile = (path: string): boolean => FILE.test(path);

/**
 * Writes to `state` (drivers/base/memory.c:state_store), where a block that is so already is EINVAL, or 0 or 1 to `online`
 * (drivers/base/core.c:online_store), where it is fine. Simplified: a block comes back into the zone that it was in.
 */
export function writeMemoryBlock(world: World, path: string, value: string): Outcome {
  const [, number, file] = FILE.exec(path)!;
  const { kernel } = world;
  const block = Number(number);
  if (!blockExists(kernel, block)) return failed('ENOENT');
  const isState = file === 'state';
  const goesOn = isState ? ONLINE.has(value) : /^(1|y|Y|on)$/.test(value);
  if (!goesOn && !(isState ? value === 'offline' : /^(0|n|N|off)$/.test(value))) return failed('EINVAL');
  if (!isState && goesOn !== kernel.offlineBlocks.has(block)) return done();
  return answered(goesOn ? onlineBlock(kernel, block) : offlineBlock(kernel, controllerTask(world), block));
}
