import { parseStatus } from '../procfs/status.ts';
import type { Step } from '../scenario/types.ts';
import { processDir, workersIn, type Capture, type CaptureSnapshot, type SnapshotFiles } from './capture.ts';
import { DEFAULT_WORKER } from './mapped-ranges.ts';
import type { Tally } from './tally.ts';

/**
 * Compares who the kernel killed first wherever workers are gone that no step ended, and returns up to which step the rest can be
 * compared: to the end, but where the sides agree on the first victim and not on those after it, which is a race, only up to the
 * snapshot before.
 */
export function compareVictims(
  tally: Tally,
  capture: Capture,
  steps: readonly Step[],
  modelAt: (snapshot: CaptureSnapshot) => SnapshotFiles,
): number {
  const killed = killedWorkers(tally, capture);
  const { snapshots } = capture;
  for (const [at, now] of snapshots.entries()) {
    const before = snapshots[at - 1];
    if (!before) continue;
    tally.at({ step: now.step, snapshot: now.label, where: 'proc.*/status' });
    const spared = endedBy(steps.slice(before.step, now.step));
    const inKernel = gone(before.files, now.files, spared);
    const inModel = gone(modelAt(before), modelAt(now), spared);
    const first =
      killed.find((worker) => inKernel.includes(worker)) ?? (inKernel.length === 1 ? inKernel[0]! : null);
    if (first === null) continue;
    const agrees = inModel.includes(first);
    const words = (names: readonly string[]): string => `killed: ${names.join(' ') || 'nobody'}`;
    const compared = { fieldClass: 'outcomes' as const, kernel: words(inKernel), model: words(inModel) };
    tally.add({ ...compared, field: 'killed first' }, agrees ? 'exact' : 'off');
    if (!agrees || (inKernel.length === inModel.length && inModel.every((name) => inKernel.includes(name))))
      continue;
    tally.add({ ...compared, field: 'killed after the first' }, ['oom-race']);
    return before.step;
  }
  return Math.min(capture.steps.length, steps.length);
}

/** Workers that had memory before and have none now, without a step that ended them. */
function gone(before: SnapshotFiles, now: SnapshotFiles, spared: ReadonlySet<string>): string[] {
  return workersIn(before).filter(
    (worker) => hasMemory(before, worker) && !hasMemory(now, worker) && !spared.has(worker),
  );
}

function endedBy(steps: readonly Step[]): Set<string> {
  return new Set(
    steps.flatMap((step) =>
      step.verb === 'kill' ? [step.args.worker] : step.verb === 'exit' ? [step.who ?? DEFAULT_WORKER] : [],
    ),
  );
}

/** A zombie's status has no lines on memory. */
const hasMemory = (files: SnapshotFiles, worker: string): boolean => statusOf(files, worker).has('VmSize');

const statusOf = (files: SnapshotFiles, worker: string): Map<string, string> =>
  parseStatus(files.get(`${processDir(worker)}/status`) ?? '');

/** Workers in the order in which the kernel log says that they were killed. */
function killedWorkers(tally: Tally, { log, snapshots }: Capture): string[] {
  const names = new Map<string, string>();
  for (const { label, step, files } of snapshots) {
    tally.at({ step, snapshot: label, where: 'proc.*/status' });
    for (const worker of workersIn(files)) {
      const pid = statusOf(files, worker).get('Pid');
      if (pid !== undefined) names.set(pid, worker);
    }
  }
  return [...log.matchAll(/Killed process (\d+) /g)].flatMap(([, pid]) => names.get(pid!) ?? []);
}
