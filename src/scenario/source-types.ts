import type { Proposal, ThpSource } from './types.ts';

/** What a machine file holds once it matches datasets/schema/machine.schema.json. */
export interface MachineSource {
  title: string;
  nodes: NodeSource[];
  distances?: number[][];
  movable?: SizeSource;
  swap?: SizeSource;
  sysctl?: Record<string, number>;
  thp?: Partial<ThpSource>;
  hugepages?: SizeSource;
}

/** `64G`, or whole bytes. */
export type SizeSource = string | number;

export interface NodeSource {
  cpus: string | number;
  memory: SizeSource;
  movable?: SizeSource;
  hugepages?: SizeSource;
  background?: { pageCache?: SizeSource; anon?: SizeSource; slab?: SizeSource };
}

/** What a scenario file holds once it matches datasets/schema/scenario.schema.json. */
export interface ScenarioSource {
  title: string;
  description?: string;
  sources?: string[];
  machine: string | MachineSource;
  kernel?: '6.12' | '6.18' | '7.3';
  proposed?: Proposal[];
  seed?: number;
  strategies?: string[];
  processes?: Record<string, ProcessSource>;
  steps: string;
  expect?: ExpectationSource[];
}

/** A table of what will be seen: a row per reading, a column per snapshot. */
export interface ExpectationSource {
  /** Snapshots, the columns; absent: the whole run. */
  at?: string | string[];
  /** Snapshot that values are differences from. */
  since?: string;
  strategies?: string | string[];
  values: Record<string, ValueSource | ValueSource[]>;
}

export type ValueSource = string | number;

export interface ProcessSource {
  comm?: string;
  cmdline?: string[];
  pid?: number;
  cgroup?: string;
  image?: VmaSource[];
}

export interface VmaSource {
  /** A line of /proc/PID/maps. */
  map: string;
  /** Pages per node number. */
  resident?: Record<string, number>;
  anon?: number;
  vmFlags?: string;
}
