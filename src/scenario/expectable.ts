import { LAYOUTS } from '../procfs/layouts.ts';
import type { Expectable } from './check-expectations.ts';
import { DEFAULT_WORKER, withParents } from './steps/check-script.ts';
import type { Machine, ProcessSpec, Scenario, Step } from './types.ts';

/** What the expectations of a scenario may speak of. Where its script or machine has problems, what they name is not checked. */
export function expectable(config: {
  machine: Machine | null;
  kernel: Scenario['kernel'];
  processes: Readonly<Record<string, ProcessSpec>>;
  /** null when the script has problems. */
  steps: readonly Step[] | null;
}): Expectable {
  const { machine, kernel, processes, steps } = config;
  const nodeCount = machine?.nodes.length ?? null;
  const layout = LAYOUTS[kernel];
  if (steps === null) {
    const unchecked = { workers: null, cgroups: null, objects: null, steps: null };
    return { names: { ...unchecked, nodeCount, layout }, snapshots: null };
  }
  const workers = new Set([DEFAULT_WORKER, ...Object.keys(processes)]);
  const cgroups = new Set(['/', ...Object.values(processes).flatMap(({ cgroup }) => withParents(cgroup))]);
  const objects = new Set<string>();
  const snapshots: string[] = [];
  for (const { verb, args } of steps) {
    if (verb === 'snapshot') snapshots.push(args.label);
    if (verb === 'spawn' || verb === 'fork') workers.add(args.worker);
    if (verb === 'cgroup create') cgroups.add(args.path);
    if (verb === 'gmem create' || verb === 'memfd create' || verb === 'file create' || verb === 'anon map') {
      objects.add(args.name);
    }
  }
  return {
    names: {
      workers: [...workers],
      cgroups: [...cgroups],
      objects: [...objects],
      steps: steps.map(({ text }) => text),
      nodeCount,
      layout,
    },
    snapshots,
  };
}
