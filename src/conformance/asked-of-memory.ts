import type { Step } from '../scenario/types.ts';

/** What steps asked of the kernel whose outcome hangs on what boot left in memory. */
export interface AskedOfMemory {
  /** Compaction of a node or of all memory. */
  compacts: boolean;
  /** Memory blocks were to go offline. */
  offlines: boolean;
  /** The size of the pool of 2 MiB pages: of a node, or of all together (null). */
  pools: { nid: number | null; pages: number }[];
}

const POOL =
  /(?:\/node(\d+)\/hugepages\/hugepages-2048kB|\/hugepages\/hugepages-2048kB|\/vm)\/nr_hugepages(?:_mempolicy)?$/;
const COMPACT = /(?:\/vm\/compact_memory|\/node\d+\/compact)$/;
const BLOCK = /\/memory\d+\/(?:state|online)$/;

/** What the given steps asked. */
export function askedOfMemory(steps: readonly Step[]): AskedOfMemory {
  const asked: AskedOfMemory = { compacts: false, offlines: false, pools: [] };
  for (const step of steps) {
    if (step.verb === 'compact') asked.compacts = true;
    if (isOfflining(step)) asked.offlines = true;
    if (step.verb !== 'write') continue;
    const { path, value } = step.args;
    if (COMPACT.test(path)) asked.compacts = true;
    const pool = POOL.exec(path);
    if (pool) asked.pools.push({ nid: pool[1] === undefined ? null : Number(pool[1]), pages: Number(value) });
  }
  return asked;
}

/** Whether a step takes memory blocks offline or brings them back. */
export function isOfflining(step: Step): boolean {
  if (step.verb === 'write') return BLOCK.test(step.args.path);
  return step.verb === 'offline' || step.verb === 'online' || step.verb === 'offline_node';
}
