import { formatList } from '../../units/nodelist.ts';

/** The node numbers of a machine: `0-3`, or `0`. */
export const nodeRange = (count: number): string => (count === 1 ? '0' : `0-${count - 1}`);

/** Says which of some nodes a machine of `count` nodes lacks; null when it has them all. */
export function missingNodes(nodes: readonly number[], count: number): string | null {
  const missing = nodes.filter((nid) => nid >= count);
  if (missing.length === 0) return null;
  const what = missing.length === 1 ? 'is not a node' : 'are not nodes';
  return `${formatList(missing)} ${what} of this machine (${nodeRange(count)})`;
}
