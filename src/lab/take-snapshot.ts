import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupFile, type LabRun } from './lab-run.ts';

const PROCESS_FILES = [
  'smaps',
  'smaps_rollup',
  'numa_maps',
  'maps',
  'status',
  'statm',
  'oom_score',
  'oom_score_adj',
];
const SYSTEM_FILES = ['meminfo', 'vmstat', 'zoneinfo', 'buddyinfo'];
const NODE_FILES = ['meminfo', 'numastat', 'vmstat'];
const CGROUP_FILES = [
  'memory.current',
  'memory.peak',
  'memory.stat',
  'memory.numa_stat',
  'memory.events',
  'memory.max',
  'memory.swap.current',
  'cgroup.procs',
  'cgroup.stat',
  'hugetlb.2MB.current',
  'hugetlb.2MB.rsvd.current',
  'hugetlb.2MB.numa_stat',
];

/** Reads everything that a capture holds of one moment, by the paths that it has there. */
export async function takeSnapshot(run: LabRun, withTools: boolean): Promise<Map<string, string>> {
  const { nodes } = run;
  const groups = ['/', ...run.cgroups];
  const statistics = groups.map((path) => cgroupFile(path, 'memory.stat'));
  await empty(run);
  await sleep(run.settleMs);
  // The first reading of a group's statistics has them gathered.
  await run.control('cat', ...statistics);
  await empty(run);
  const files = new Map<string, string>();
  const read = async (paths: ReadonlyMap<string, string>): Promise<void> => {
    const reply = await run.control('cat', ...paths.keys());
    for (const [path, text] of reply.files) files.set(paths.get(path)!, text);
  };
  // What belongs to the whole system comes first, before tools start that use memory themselves.
  await read(new Map(SYSTEM_FILES.map((file) => [`/proc/${file}`, `sys/${file}`])));
  await read(
    new Map(
      nodes.flatMap((nid) =>
        NODE_FILES.map((file) => [`/sys/devices/system/node/node${nid}/${file}`, `node${nid}/${file}`]),
      ),
    ),
  );
  for (const path of groups) {
    const dir = `cgroup/${path === '/' ? '_root' : path.slice(1)}`;
    await read(new Map(CGROUP_FILES.map((file) => [cgroupFile(path, file), `${dir}/${file}`])));
  }
  const living = [...run.workers.values()].filter(({ isAlive }) => isAlive);
  for (const { name, pid } of living) {
    await read(new Map(PROCESS_FILES.map((file) => [`/proc/${pid}/${file}`, `proc.${name}/${file}`])));
  }
  if (!withTools) return files;
  const tool = async (file: string, ...words: string[]): Promise<void> => {
    const reply = await run.control('run', '/usr/bin/numastat', ...words);
    files.set(`numastat/${file}`, reply.files.get('output') ?? '');
  };
  await tool('n', '-n');
  for (const { name, pid } of living) await tool(`p.${name}`, '-p', String(pid));
  const [first] = living;
  if (first) await tool(`mp.${first.name}`, '-m', '-p', String(first.pid));
  return files;
}

/** Has the CPUs hand over the pages and counters that they keep for themselves. */
async function empty(run: LabRun): Promise<void> {
  await run.control('drain');
  await run.put('/proc/sys/vm/stat_refresh', '1');
}
