import { parseStatus } from '../procfs/status.ts';
import type { Step } from '../scenario/types.ts';
import { processDir, workersIn, type Capture, type CaptureSnapshot, type SnapshotFiles } from './capture.ts';
import { DEFAULT_WORKER } from './mapped-ranges.ts';
import { PROGRAM_PAGES } from './noise.ts';
import type { Tally } from './tally.ts';

/**
 * Compares who the kernel killed first wherever workers are gone that no step ended, and returns up to which step the rest can be
 * compared: to the end, but only up to the snapshot before where the sides agree on the first victim and not on those after it, which is
 * a race, or where the worker program's own pages decided between victims.
 */
export function compareVictims(
  tally: Tally,
  capture: Capture,
  steps: readonly Step[],
  modelAt: (snapshot: CaptureSnapshot) => SnapshotFiles,
): number {
  const killed = killedWorkers(tally, capture, steps);
  const { snapshots } = capture;
  for (const [at, now] of snapshots.entries()) {
    const before = snapshots[at - 1];
    if (!before) continue;
    tally.at({ step: now.step, snapshot: now.label, where: 'proc.*/status' });
    const since = steps.slice(before.step, now.step);
    const spared = endedBy(since);
    const born = since.flatMap((step) => bornBy(step) ?? []);
    const inKernel = gone(before.files, now.files, born, spared);
    const inModel = gone(modelAt(before), modelAt(now), born, spared);
    const order = killed.filter(({ worker }) => inKernel.includes(worker));
    const first = order[0]?.worker ?? (inKernel.length === 1 ? inKernel[0]! : null);
    if (first === null) continue;
    const agrees = inModel.includes(first);
    const words = (names: readonly string[]): string => `killed: ${names.join(' ') || 'nobody'}`;
    const compared = { fieldClass: 'outcomes' as const, kernel: words(inKernel), model: words(inModel) };
    const isTie =
      !agrees && order.some((other) => inModel.includes(other.worker) && isLike(order[0]!, other));
    tally.add({ ...compared, field: 'killed first' }, agrees ? 'exact' : isTie ? ['oom-tie'] : 'off');
    if (isTie) return before.step;
    if (!agrees || (inKernel.length === inModel.length && inModel.every((name) => inKernel.includes(name))))
      continue;
    tally.add({ ...compared, field: 'killed after the first' }, ['oom-race']);
    return before.step;
  }
  return Math.min(capture.steps.length, steps.length);
}

/** Workers that had memory before, or were born since, and have none now, without a step that ended them. */
function gone(
  before: SnapshotFiles,
  now: SnapshotFiles,
  born: readonly string[],
  spared: ReadonlySet<string>,
): string[] {
  const had = new Set([...workersIn(before).filter((worker) => hasMemory(before, worker)), ...born]);
  return [...had].filter((worker) => !hasMemory(now, worker) && !spared.has(worker));
}

const bornBy = ({ verb, args }: Step): string | undefined =>
  verb === 'fork' || verb === 'spawn' ? args.worker : undefined;

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

/** A worker that the kernel killed, and what it then had. */
interface Victim {
  worker: string;
  pages: number;
  adj: number;
}

/** Whether only what the worker program has for itself tells two victims apart. */
const isLike = (one: Victim, other: Victim): boolean =>
  one.adj === other.adj && Math.abs(one.pages - other.pages) <= PROGRAM_PAGES;

/** Workers in the order in which the kernel log says that they were killed. */
function killedWorkers(tally: Tally, capture: Capture, steps: readonly Step[]): Victim[] {
  const { log, snapshots } = capture;
  // A child's pid is what fork returned.
  const names = new Map(
    capture.steps.flatMap(({ n, ret }): [string, string][] => {
      const child = steps[n - 1] && bornBy(steps[n - 1]!);
      return child === undefined ? [] : [[`${ret}`, child]];
    }),
  );
  for (const { label, step, files } of snapshots) {
    tally.at({ step, snapshot: label, where: 'proc.*/status' });
    for (const worker of workersIn(files)) {
      const pid = statusOf(files, worker).get('Pid');
      if (pid !== undefined) names.set(pid, worker);
    }
  }
  return [...log.matchAll(/Killed process (\d+) (.*)/g)].flatMap(([, pid, words]) => {
    const worker = names.get(pid!);
    if (worker === undefined) return [];
    const kb = [...words!.matchAll(/(?:rss|pgtables):(\d+)kB/g)].reduce(
      (sum, [, size]) => sum + Number(size),
      0,
    );
    return [{ worker, pages: kb / 4, adj: Number(/oom_score_adj:(-?\d+)/.exec(words!)?.[1]) }];
  });
}
