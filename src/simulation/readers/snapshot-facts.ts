import type { SnapshotFacts } from '../../procfs/facts.ts';
import type { World } from '../world.ts';
import { cgroupFacts } from './cgroup-facts.ts';
import { nodeFacts } from './node-facts.ts';
import { processFacts } from './process-facts.ts';
import { systemFacts } from './system-facts.ts';

/** Reads a whole world as its kernel would print it. One piece of code for every design: it asks for state, never for names. */
export function snapshotFacts(world: World): SnapshotFacts {
  const { kernel } = world;
  const living = [...kernel.processes.values()].filter((process) => process.isAlive);
  return {
    kernel: kernel.profile.version,
    system: systemFacts(world),
    nodes: kernel.nodes.map((node) => nodeFacts(world, node)),
    cgroups: [...kernel.cgroups.values()]
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map((group) => cgroupFacts(world, group)),
    processes: living.map((process) => processFacts(world, process)),
  };
}
