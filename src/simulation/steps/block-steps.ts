import { compactMemory } from '../../kernel/compact.ts';
import { blocksOfNode } from '../../kernel/memory-blocks.ts';
import { offlineBlock, onlineBlock } from '../../kernel/offline.ts';
import { answered, done } from '../outcome.ts';
import type { World } from '../world.ts';
import { controllerTask } from './controller-task.ts';
import type { ControllerHandlers } from './handler.ts';

/** Steps that move physical memory, whoever it belongs to. */
export const BLOCK_STEPS: ControllerHandlers<'compact' | 'offline' | 'online' | 'offline_node'> = {
  compact: (world) => {
    compactMemory(world.kernel);
    return done();
  },
  offline: (world, { block, timeoutMs }) => {
    const errno = tryOffline(world, block);
    return answered(errno, errno === 'EINTR' ? `timeout after ${timeoutMs} ms, interrupted` : '');
  },
  online: (world, { block }) => answered(onlineBlock(world.kernel, block)),
  // Every block of the node goes offline as far as it can; what did comes back.
  offline_node: (world, { node }) => {
    const answers = blocksOfNode(world.kernel, node).map((block) => ({
      block,
      errno: tryOffline(world, block),
    }));
    for (const { block, errno } of answers) if (errno === 0) onlineBlock(world.kernel, block);
    const count = (isOne: (errno: string | 0) => boolean): number =>
      answers.filter(({ errno }) => isOne(errno)).length;
    const words = answers.map(({ block, errno }) => `${block}:${WORDS[errno] ?? errno} `).join('');
    const ok = count((errno) => errno === 0);
    const busy = count((errno) => errno === 'EBUSY');
    const timeout = count((errno) => errno === 'EINTR');
    const other = answers.length - ok - busy - timeout;
    return done(0, `${words}| ok=${ok} EBUSY=${busy} timeout=${timeout} other=${other}`);
  },
};

/** How the rig words what is no errno. */
const WORDS: Readonly<Record<string, string>> = { 0: 'ok', EINTR: 'TIMEOUT' };

const tryOffline = (world: World, block: number): ReturnType<typeof offlineBlock> =>
  offlineBlock(world.kernel, controllerTask(world), block);
