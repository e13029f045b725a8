import type { CgroupFacts } from './facts.ts';
import { parseKeyValues, pick, renderKeyValues, type Counters } from './key-values.ts';
import type { KernelLayout } from './kernel-layout.ts';
import { addOnce, badLine, matchLine, readNumber, splitLines } from './proc-text.ts';

/** The numbers of memory.stat in the kernel's order: bytes, and counts for events. */
export function memoryStatOf(cgroup: CgroupFacts, layout: KernelLayout): Counters {
  return pick(layout.memoryStat, cgroup.stat);
}

/** Prints memory.stat. */
export function renderMemoryStat(counters: ReadonlyMap<string, number>): string {
  return renderKeyValues(counters);
}

/** Reads memory.stat. */
export function parseMemoryStat(text: string): Counters {
  return parseKeyValues('memory.stat', text);
}

/** The numbers of memory.events in the kernel's order. */
export function memoryEventsOf(cgroup: CgroupFacts, layout: KernelLayout): Counters {
  return pick(layout.memoryEvents, cgroup.events);
}

/** Prints memory.events. */
export function renderMemoryEvents(counters: ReadonlyMap<string, number>): string {
  return renderKeyValues(counters);
}

/** Reads memory.events. */
export function parseMemoryEvents(text: string): Counters {
  return parseKeyValues('memory.events', text);
}

/** memory.numa_stat: bytes by item and node id. */
export type MemoryNumaStat = Map<string, Map<number, number>>;

/** The numbers of memory.numa_stat in the kernel's order, for the given nodes (those with memory). */
export function memoryNumaStatOf(
  cgroup: CgroupFacts,
  nids: readonly number[],
  layout: KernelLayout,
): MemoryNumaStat {
  return new Map(
    layout.memoryNumaStat.map((name) => [
      name,
      new Map(nids.map((nid) => [nid, cgroup.numaStat[name]?.[nid] ?? 0])),
    ]),
  );
}

/** Prints memory.numa_stat. */
export function renderMemoryNumaStat(stat: ReadonlyMap<string, ReadonlyMap<number, number>>): string {
  let text = '';
  for (const [name, nodes] of stat) {
    text += name;
    for (const [nid, bytes] of nodes) text += ` N${nid}=${bytes}`;
    text += '\n';
  }
  return text;
}

/** Reads memory.numa_stat. */
export function parseMemoryNumaStat(text: string): MemoryNumaStat {
  const stat: MemoryNumaStat = new Map();
  for (const line of splitLines('memory.numa_stat', text)) {
    const [, name, rest] = matchLine(line, /^(\S+)((?: N\d+=\d+)+)$/, '"item N0=bytes …"');
    const nodes = new Map<number, number>();
    for (const part of rest!.trim().split(' ')) {
      const [nid, bytes] = part.slice(1).split('=');
      const node = readNumber(line, nid);
      if (nodes.has(node)) throw badLine(line, `node ${node} is there twice`);
      nodes.set(node, readNumber(line, bytes));
    }
    addOnce(stat, line, name!, nodes);
  }
  return stat;
}
