/** Where a request looks, in order: nodes of the first pass, and of a second one where the policy has it. */
export interface Placement {
  first: readonly number[];
  second: readonly number[] | null;
  /** Node on which a page of the first pass counts as a hit: the policy's nearest, even where the cpuset keeps the task off it; -1 for none. */
  preferred: number;
}

/** A single pass along nodes, of which the first is the preferred one. */
export const along = (order: readonly number[]): Placement => ({
  first: order,
  second: null,
  preferred: order[0] ?? -1,
});

/** The node that a page from `nid` was wanted on (ac->preferred_zoneref of mm/page_alloc.c): each pass of a policy has its own. */
export const preferredOf = ({ first, second, preferred }: Placement, nid: number): number =>
  second && !first.includes(nid) ? second[0]! : preferred;
