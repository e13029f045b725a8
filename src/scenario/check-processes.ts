import { checkImage } from './check-image.ts';
import type { Draft } from './draft.ts';
import type { Section } from './section.ts';
import type { ProcessSource } from './source-types.ts';
import { RESERVED_WORKER } from './steps/name-rules.ts';
import type { Machine, ProcessSpec } from './types.ts';

/** TASK_COMM_LEN less the closing zero. */
const MAX_COMM = 15;

/** Processes by worker name, with no names of Object's own among them: `constructor` is a good name for a worker. */
export function noProcesses(): Record<string, ProcessSpec> {
  return Object.create(null) as Record<string, ProcessSpec>;
}

/** Makes process descriptions. Without a machine, nodes are not checked. */
export function checkProcesses(
  source: Draft<Record<string, ProcessSource>>,
  machine: Machine | null,
  section: Section,
): Record<string, ProcessSpec> {
  const processes = noProcesses();
  const pidOwner = new Map<number, string>();
  for (const [worker, process] of Object.entries(source)) {
    const path = ['processes', worker];
    const { comm, pid = 0, cgroup = '/', image = [] } = process ?? {};
    const cmdline = process?.cmdline?.map((word) => word ?? '');
    if (worker === RESERVED_WORKER) {
      section.complain(
        path,
        'reference',
        `"${worker}" stands for the controller: give the worker another name`,
        'key',
      );
    }
    const owner = pidOwner.get(pid);
    if (pid !== 0 && owner !== undefined) {
      section.complain([...path, 'pid'], 'reference', `${pid} is the pid of "${owner}" already`);
    }
    pidOwner.set(pid, worker);
    const name = comm ?? programName(cmdline) ?? 'worker';
    processes[worker] = {
      comm: name,
      cmdline: cmdline ?? [`/bin/${name}`],
      pid,
      cgroup,
      image: checkImage(image, [...path, 'image'], machine, section),
    };
  }
  return processes;
}

/** What execve(2) makes the task's name. */
function programName(cmdline: readonly string[] | undefined): string | undefined {
  const name = cmdline?.[0]?.split('/').at(-1)?.slice(0, MAX_COMM);
  return name === '' ? undefined : name;
}
