import { CGROUP_INTERFACES } from './cgroup-interfaces.ts';
import { NODE_INTERFACES } from './node-interfaces.ts';
import { PROCESS_INTERFACES } from './process-interfaces.ts';
import type { KernelInterface } from './types.ts';

/** Every interface that memory usage is read from, in the order of tables: one reader each, the same for all strategies. */
export const INTERFACES: readonly KernelInterface[] = [
  ...PROCESS_INTERFACES,
  ...CGROUP_INTERFACES,
  ...NODE_INTERFACES,
];
