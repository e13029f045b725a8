import type { KernelVersion } from '../procfs/facts.ts';

/** What a real kernel reported while a script ran on it. */
export interface Capture {
  /** Scenario name, e.g. `S01-gmem-interleave`. */
  scenario: string;
  /** Kernel release as uname prints it, e.g. `6.12.107+deb12-amd64`. */
  release: string;
  /** Profile of the model that speaks for this kernel; null when there is none. */
  profile: KernelVersion | null;
  /** `key: value` lines of meta.txt. */
  meta: ReadonlyMap<string, string>;
  /** What `numactl --hardware` printed before the first step. */
  hardware: string;
  /** The step script as it ran. */
  script: string;
  steps: RecordedStep[];
  /** Lines of the kernel log that tell of OOM kills, oldest first; empty where the capture has none. */
  log: string;
  /** In the order in which they were taken. */
  snapshots: CaptureSnapshot[];
}

/** How one step ended on the real kernel. */
export interface RecordedStep {
  /** Counts the steps of the script from 1. */
  n: number;
  /** Worker name, or `ctl`. */
  who: string;
  /** The line without its comment. */
  step: string;
  ret: number;
  /** Name of the errno; empty on success. */
  errno: string;
  msg: string;
}

/** Files by path, e.g. `proc.w0/numa_maps`, `node2/meminfo`, `cgroup/a/memory.stat`, `sys/meminfo`, `numastat/p.w0`. */
export type SnapshotFiles = ReadonlyMap<string, string>;

/** The raw files of one moment. */
export interface CaptureSnapshot {
  label: string;
  /** Step that took it. */
  step: number;
  files: SnapshotFiles;
}

/** A capture that cannot be read. The message names the file and the place in it. */
export class CaptureError extends Error {
  readonly file: string;

  constructor(file: string, place: string, reason: string) {
    super(place === '' ? `${file}: ${reason}` : `${file}: ${place}: ${reason}`);
    this.name = 'CaptureError';
    this.file = file;
  }
}

/** Directory of a worker's files in a snapshot. */
export const processDir = (worker: string): string => `proc.${worker}`;

/** Workers whose files a snapshot holds, by name. */
export function workersIn(files: SnapshotFiles): string[] {
  const names = new Set<string>();
  for (const path of files.keys()) {
    const match = /^proc\.([^/]+)\//.exec(path);
    if (match) names.add(match[1]!);
  }
  return [...names].sort();
}

/** Node ids whose files a snapshot holds, ascending. */
export function nodesIn(files: SnapshotFiles): number[] {
  const nids = new Set<number>();
  for (const path of files.keys()) {
    const match = /^node(\d+)\//.exec(path);
    if (match) nids.add(Number(match[1]));
  }
  return [...nids].sort((a, b) => a - b);
}

/** cgroup paths whose files a snapshot holds: `/` for the root, `/a/b` below it. */
export function cgroupsIn(files: SnapshotFiles): string[] {
  const paths = new Set<string>();
  for (const path of files.keys()) {
    const match = /^cgroup\/(.+)\/[^/]+$/.exec(path);
    if (match) paths.add(match[1] === ROOT_CGROUP ? '/' : `/${match[1]}`);
  }
  return [...paths].sort();
}

/** What the root cgroup's directory is called in a snapshot. */
const ROOT_CGROUP = '_root';

/** Directory of a cgroup's files in a snapshot. */
export const cgroupDir = (path: string): string => `cgroup/${path === '/' ? ROOT_CGROUP : path.slice(1)}`;
