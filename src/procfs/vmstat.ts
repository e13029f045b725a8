import type { NodeFacts, SystemFacts } from './facts.ts';
import { parseKeyValues, renderKeyValues, type Counters } from './key-values.ts';
import type { KernelLayout } from './kernel-layout.ts';
import { asPrinted, NUMA_EVENT_NAMES, systemCounter } from './node-sums.ts';

function sums(nodes: readonly NodeFacts[], layout: KernelLayout): Counters {
  const counters: Counters = new Map();
  const add = (name: string): void => {
    counters.set(name, asPrinted(name, systemCounter(nodes, name)));
  };
  layout.zoneItems.forEach(add);
  for (const [name, event] of NUMA_EVENT_NAMES) {
    counters.set(
      name,
      nodes.reduce((sum, node) => sum + node.numastat[event], 0),
    );
  }
  layout.nodeItems.forEach(add);
  return counters;
}

/** The numbers of nodeN/vmstat in the kernel's order. */
export function nodeVmstatOf(node: NodeFacts, layout: KernelLayout): Counters {
  return sums([node], layout);
}

/**
 * The numbers of /proc/vmstat in the kernel's order. Kernels differ in which events they keep per node: one that no node
 * counts is taken from the system's.
 */
export function vmstatOf(system: SystemFacts, nodes: readonly NodeFacts[], layout: KernelLayout): Counters {
  const counters = sums(nodes, layout);
  for (const name of layout.nodeItems) {
    if (counters.get(name) === 0) counters.set(name, system.vmEvents[name] ?? 0);
  }
  for (const name of layout.systemItems) counters.set(name, system.vmEvents[name] ?? 0);
  return counters;
}

/** Prints /proc/vmstat or nodeN/vmstat. */
export function renderVmstat(counters: ReadonlyMap<string, number>): string {
  return renderKeyValues(counters);
}

/** Reads /proc/vmstat or nodeN/vmstat. */
export function parseVmstat(text: string): Counters {
  return parseKeyValues('vmstat', text);
}
