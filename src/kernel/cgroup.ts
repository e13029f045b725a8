import type { Memcg } from './memcg.ts';

/** Controllers of the unified hierarchy that this kernel has. */
export const CONTROLLERS = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** A directory of cgroupfs: where processes are. What they use counts in the nearest group at or above it that has memory files. */
export class Cgroup {
  readonly path: string;
  readonly parent: Cgroup | null;
  readonly children: Map<string, Cgroup> = new Map<string, Cgroup>();
  /** cgroup.subtree_control: whose files the children have. */
  readonly handedDown: Set<Controller>;
  /** The memory controller's part of this group; null where the parent does not hand it down. */
  ownMemcg: Memcg | null = null;

  constructor(config: { path: string; parent: Cgroup | null; handedDown?: readonly Controller[] }) {
    this.path = config.path;
    this.parent = config.parent;
    this.handedDown = new Set(config.handedDown ?? []);
    config.parent?.children.set(config.path, this);
  }

  /** Whether a controller has files here: cgroup.controllers. The root has none of those that limit. */
  has(controller: Controller): boolean {
    return this.parent?.handedDown.has(controller) ?? false;
  }

  /** Who pays for what is allocated here (cgroup_e_css). */
  get memcg(): Memcg {
    for (let at: Cgroup | null = this; at; at = at.parent) if (at.ownMemcg) return at.ownMemcg;
    throw new Error(`${this.path} is below no root`);
  }
}
