import { formatList } from '../units/nodelist.ts';

/** Modes by their name in the step language (uapi mempolicy.h). */
export type PolicyMode =
  'default' | 'local' | 'bind' | 'interleave' | 'preferred' | 'prefmany' | 'winterleave';

export interface Policy {
  mode: PolicyMode;
  flags: readonly ('static' | 'relative' | 'balancing')[];
  /** Effective nodes, ascending. */
  nodes: readonly number[];
  /** What was asked for, of policies that are static or relative: it is read again when the cpuset changes. */
  wanted?: readonly number[];
}

const PRINTED: Readonly<Record<PolicyMode, string>> = {
  default: 'default',
  local: 'local',
  bind: 'bind',
  interleave: 'interleave',
  preferred: 'prefer',
  prefmany: 'prefer (many)',
  winterleave: 'weighted interleave',
};

/** Text of numa_maps (mm/mempolicy.c:mpol_to_str); a missing policy prints `default`. */
export function policyText(policy: Policy | null): string {
  if (!policy) return 'default';
  const flags = policy.flags.length > 0 ? `=${policy.flags.join('|')}` : '';
  const nodes = policy.nodes.length > 0 ? `:${formatList(policy.nodes)}` : '';
  return `${PRINTED[policy.mode]}${flags}${nodes}`;
}

/**
 * What set_mempolicy and mbind make of their arguments (mm/mempolicy.c:mpol_new and mpol_set_nodemask). Returns null for
 * "no policy" (default), or `EINVAL`.
 */
export function makePolicy(
  mode: PolicyMode,
  flags: Policy['flags'],
  wanted: readonly number[],
  allowed: readonly number[],
): Policy | null | 'EINVAL' {
  if (flags.includes('static') && flags.includes('relative')) return 'EINVAL';
  if (flags.includes('balancing') && mode !== 'bind' && mode !== 'prefmany') return 'EINVAL';
  if (mode === 'default') return wanted.length > 0 ? 'EINVAL' : null;
  if (mode === 'local') return wanted.length > 0 || flags.length > 0 ? 'EINVAL' : { mode, flags, nodes: [] };
  if (mode === 'preferred' && wanted.length === 0) {
    return flags.length > 0 ? 'EINVAL' : { mode: 'local', flags: [], nodes: [] };
  }
  const nodes = nodesWithin(flags, wanted, allowed);
  if (nodes.length === 0) return 'EINVAL';
  const kept = flags.includes('static') || flags.includes('relative') ? { wanted } : {};
  return { mode, flags, nodes: mode === 'preferred' ? nodes.slice(0, 1) : nodes, ...kept };
}

/** The thread's interleave state: il_prev of task_struct. */
export interface Rotor {
  policy: Policy | null;
  /** Node last used; -1 before the first pick, so that the lowest node comes first. */
  ilPrev: number;
}

/** The allowed ones among the wanted nodes, or by their position among those where they are relative (mm/mempolicy.c:mpol_relative_nodemask). */
export function nodesWithin(
  flags: Policy['flags'],
  wanted: readonly number[],
  allowed: readonly number[],
): readonly number[] {
  if (!flags.includes('relative')) return wanted.filter((nid) => allowed.includes(nid));
  const positions = new Set(wanted.map((nid) => nid % allowed.length));
  return allowed.filter((_, at) => positions.has(at));
}

/** One round of an interleaving policy: the nodes in the order in which pages take them. */
export function interleaveRound(policy: Policy, weights: readonly number[]): readonly number[] {
  if (policy.mode !== 'winterleave') return policy.nodes;
  return policy.nodes.flatMap((nid) => Array.from({ length: weights[nid] ?? 1 }, () => nid));
}

/** Position in the round that follows `previous` (mm/mempolicy.c:interleave_nodes: next_node_in). */
export function nextInRound(round: readonly number[], previous: number): number {
  const at = round.findIndex((nid) => nid > previous);
  return at < 0 ? 0 : at;
}
