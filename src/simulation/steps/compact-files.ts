import { compactMemory, compactNode } from '../../kernel/compact.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';

const MEMORY_FILE = '/proc/sys/vm/compact_memory';
const NODE_FILE = /^\/sys\/devices\/system\/node\/node(\d+)\/compact$/;

/** Whether writing to a file compacts memory. */
export const isCompactFile = (path: string): boolean => path === MEMORY_FILE || NODE_FILE.test(path);

/** A write to such a file: every node for 1 (sysctl_compaction_handler), or the one node whatever is written. */
export function writeCompactFile({ kernel }: World, path: string, value: string): Outcome {
  if (path === MEMORY_FILE) {
    if (value.trim() !== '1') return failed('EINVAL');
    compactMemory(kernel);
    return done();
  }
  const nid = Number(NODE_FILE.exec(path)![1]);
  if (!kernel.nodes[nid]) return failed('ENOENT');
  compactNode(kernel, nid);
  return done();
}
