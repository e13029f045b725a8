import type { KernelVersion } from './facts.ts';

/** Which names the memory texts of one kernel have, in the kernel's order. A new kernel version is a new value of this type. */
export interface KernelLayout {
  version: KernelVersion;
  /** /proc/meminfo. */
  meminfo: readonly string[];
  /** nodeN/meminfo. */
  nodeMeminfo: readonly string[];
  /** Zone counters: first part of vmstat, and of each zone in zoneinfo. The six numa_* events follow them. */
  zoneItems: readonly string[];
  /** Node counters: next part of vmstat, end of nodeN/vmstat, and `per-node stats` of zoneinfo. */
  nodeItems: readonly string[];
  /** What only /proc/vmstat has. */
  systemItems: readonly string[];
  /** memory.stat, for the root and other cgroups alike. */
  memoryStat: readonly string[];
  memoryNumaStat: readonly string[];
  memoryEvents: readonly string[];
  /** Fields of one CPU's page list in zoneinfo. */
  pagesetFields: readonly string[];
  /** Fields at the end of a populated zone in zoneinfo. */
  zoneTail: readonly string[];
  /** Bits of Mems_allowed in status; null when the kernel prints as many as there are nodes. */
  nodemaskBits: number | null;
}

/** Splits a block of names at white space. */
export function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
