/** A list by node id out of values; those of one node add up, and nodes without any are zero. */
export function nodeList(values: Iterable<readonly [nid: number, value: number]>): number[] {
  const list: number[] = [];
  for (const [nid, value] of values) {
    while (list.length <= nid) list.push(0);
    list[nid] = list[nid]! + value;
  }
  return list;
}

/** Lists by node id, of any length, added up. */
export function addNodes(lists: readonly (readonly number[])[]): number[] {
  return nodeList(lists.flatMap((list) => list.map((value, nid) => [nid, value] as const)));
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
