import type { ZoneConfig } from './zone.ts';

/** Hardware as the model sees it: plain data, checked by whoever reads the scenario. */
export interface MachineConfig {
  nodes: readonly NodeConfig[];
  /** SLIT distances, square. */
  distances: readonly (readonly number[])[];
  /** Bytes of RAM that lie below 4 GiB, in DMA and DMA32; absent: all that fits. */
  belowFourGib?: number | undefined;
}

export interface NodeConfig {
  cpus: readonly number[];
  memoryBytes: number;
  movableBytes: number;
  /** Its zones where they are known; absent: cut from its memory. */
  zones?: readonly ZoneConfig[] | undefined;
}

/**
 * Order in which an allocation that prefers `from` falls back (mm/page_alloc.c:find_next_best_node, 6.12): nearest first, with
 * penalties for lower-numbered nodes and nodes with CPUs, and a load that rotates equal choices between preferring nodes.
 */
export function buildZonelists(machine: MachineConfig): number[][] {
  const MAX_NUMNODES = 1024;
  const load = machine.nodes.map(() => 0);
  const hasMemory = machine.nodes.map((node) => node.memoryBytes > 0);
  return machine.nodes.map((_, from) => {
    const order: number[] = [];
    const used = new Set<number>();
    let previous = from;
    for (;;) {
      let best = -1;
      let bestValue = Infinity;
      if (!used.has(from) && hasMemory[from]) best = from;
      else {
        for (let n = 0; n < machine.nodes.length; n++) {
          if (used.has(n) || !hasMemory[n]) continue;
          let value = machine.distances[from]![n]!;
          if (n < from) value += 1;
          if (machine.nodes[n]!.cpus.length > 0) value += 1;
          value = value * MAX_NUMNODES + load[n]!;
          if (value < bestValue) {
            bestValue = value;
            best = n;
          }
        }
      }
      if (best < 0) return order;
      used.add(best);
      if (machine.distances[from]![best] !== machine.distances[from]![previous]) load[best]!++;
      previous = best;
      order.push(best);
    }
  });
}
