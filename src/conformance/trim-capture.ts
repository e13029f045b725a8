import { renderKeptMeta } from './capture-meta.ts';
import type { Capture, SnapshotFiles } from './capture.ts';
import { renderRecordedSteps } from './recorded-steps.ts';
import { renderSnap } from './snap-format.ts';

/** Files of a snapshot that the comparison reads. */
const KEPT: readonly RegExp[] = [
  /^proc\.[^/]+\/(numa_maps|smaps|smaps_rollup|maps|status|statm|oom_score)$/,
  /^node\d+\/(meminfo|numastat)$/,
  /^sys\/(meminfo|zoneinfo|vmstat|buddyinfo)$/,
  /^cgroup\/.+\/(memory\.(current|peak|swap\.current|stat|numa_stat|events)|cgroup\.procs)$/,
  /^numastat\/(n|plain|p\.[^/]+|mp\.[^/]+)$/,
];

/** What `numastat -m -p` adds to `-p` is the same for every worker: one of them is enough. */
const SYSTEM_TABLE = /^numastat\/mp\./;

/** A capture cut down to what the comparison reads, in stored form: file name to text. */
export function trimCapture(capture: Capture): Map<string, string> {
  return new Map([
    ['meta.txt', renderKeptMeta(capture.meta)],
    ['numactl-hardware.txt', capture.hardware],
    ['script.steps', capture.script],
    ['steps.jsonl', renderRecordedSteps(capture.steps)],
    ...(capture.log === '' ? [] : [['dmesg.txt', capture.log] as [string, string]]),
    ...capture.snapshots.map(({ label, files }): [string, string] => [
      `${label}.snap`,
      renderSnap(trimSnapshot(files)),
    ]),
  ]);
}

function trimSnapshot(files: SnapshotFiles): Map<string, string> {
  const kept = [...files].filter(([path]) => KEPT.some((pattern) => pattern.test(path)));
  const table = kept.map(([path]) => path).find((path) => SYSTEM_TABLE.test(path));
  return new Map(kept.filter(([path]) => !SYSTEM_TABLE.test(path) || path === table));
}
