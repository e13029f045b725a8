/** What a machine file holds once it matches datasets/schema/machine.schema.json. */
export interface MachineSource {
  title: string;
  nodes: NodeSource[];
  distances?: number[][];
  movable?: SizeSource;
  sysctl?: Record<string, number>;
}

/** `64G`, or whole bytes. */
export type SizeSource = string | number;

export interface NodeSource {
  cpus: string | number;
  memory: SizeSource;
  movable?: SizeSource;
  background?: { pageCache?: SizeSource; anon?: SizeSource; slab?: SizeSource };
}

/** What a scenario file holds once it matches datasets/schema/scenario.schema.json. */
export interface ScenarioSource {
  title: string;
  description?: string;
  sources?: string[];
  machine: string | MachineSource;
  kernel?: '6.12' | '6.18' | '7.3';
  seed?: number;
  strategies?: string[];
  processes?: Record<string, ProcessSource>;
  steps: string;
}

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
