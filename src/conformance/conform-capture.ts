import { ProcTextError } from '../procfs/proc-text.ts';
import type { Scenario, Step } from '../scenario/types.ts';
import { PROFILE_NAMES } from './capture-meta.ts';
import { captureScenario } from './capture-scenario.ts';
import { CaptureError, nodesIn, type Capture } from './capture.ts';
import { compareSnapshot, type Moments } from './compare-snapshot.ts';
import { compareSteps } from './compare-steps.ts';
import type { FieldClassName } from './field-class.ts';
import { mappingsAfter } from './mapped-ranges.ts';
import { modelFiles } from './model-files.ts';
import type { RunModel } from './run-model.ts';
import { Tally, type ClassCount, type Offence } from './tally.ts';

export type Verdict = 'exact' | 'within noise' | 'off' | 'not judged';

/** How the model did on one capture. */
export interface CaptureResult {
  scenario: string;
  release: string;
  profile: string | null;
  verdict: Verdict;
  /** Why there is no verdict; null where there is one. */
  reason: string | null;
  classes: { fieldClass: FieldClassName; count: ClassCount }[];
  /** Fields that each noise class excused. */
  excuses: { id: string; fields: number }[];
  /** Steps recorded, and how many of them from the first on agree with everything seen up to there. */
  steps: { recorded: number; matching: number };
  /** Every field that is off, in the order of the steps. */
  offences: Offence[];
}

/** A capture without a verdict. */
export function notJudged(
  capture: Pick<Capture, 'scenario' | 'release' | 'profile'>,
  reason: string,
): CaptureResult {
  const { scenario, release, profile } = capture;
  return {
    scenario,
    release,
    profile,
    verdict: 'not judged',
    reason,
    classes: [],
    excuses: [],
    steps: { recorded: 0, matching: 0 },
    offences: [],
  };
}

/** Why no model speaks for the kernel of a capture; null where one does. */
export function missingProfile({ release, profile }: Pick<Capture, 'release' | 'profile'>): string | null {
  if (profile !== null) return null;
  return `no kernel profile for ${release}; there are ${PROFILE_NAMES.join(', ')}`;
}

/**
 * Runs the model on the script of a capture and compares everything that both report. `scenario` is the capture's script as
 * the step language reads it, on the machine of the capture; recorded addresses and programs are added here. A script that goes
 * on with a step that the model cannot run is compared up to there; it has a verdict only if something is off by then.
 * A CaptureError says that the capture does not fit together.
 */
export function conformCapture(
  capture: Capture,
  scenario: Scenario,
  runModel: RunModel,
  canRun: (step: Step) => boolean = () => true,
): CaptureResult {
  const missing = missingProfile(capture);
  if (missing !== null) return notJudged(capture, missing);
  const ready = captureScenario(capture, scenario);
  const stop = ready.steps.findIndex((step) => !canRun(step));
  if (stop < 0) return judge(capture, compare(capture, ready, runModel), null);
  const { line, text } = ready.steps[stop]!;
  const reason = `compared up to line ${line}: the model cannot run "${text}"`;
  const part: Capture = {
    ...capture,
    steps: capture.steps.slice(0, stop),
    snapshots: capture.snapshots.filter(({ step }) => step <= stop),
  };
  const tally = compare(part, { ...ready, steps: ready.steps.slice(0, stop) }, runModel);
  return judge(capture, tally, tally.offences.length > 0 ? null : reason, stop);
}

function compare(capture: Capture, scenario: Scenario, runModel: RunModel): Tally {
  const run = runModel(scenario);
  const tally = new Tally();
  compareSteps(tally, scenario.steps, capture.steps, run.steps);
  const ofModel = new Map(run.snapshots.map(({ label, facts }) => [label, modelFiles(facts)]));
  let before: Moments | null = null;
  let stepBefore = 0;
  for (const { label, step, files } of capture.snapshots) {
    const mappings = mappingsAfter(scenario.steps, capture.steps, step);
    const now: Moments = {
      kernel: { files, mappings },
      model: { files: ofModel.get(label) ?? new Map(), mappings },
      history: before?.history ?? new Map(),
    };
    const since = scenario.steps.slice(stepBefore, step);
    try {
      compareSnapshot(tally, {
        label,
        step,
        first: capture.snapshots[0]!.files,
        now,
        before,
        ...conditions(capture, scenario.steps, step, since),
      });
    } catch (cause) {
      if (!(cause instanceof ProcTextError)) throw cause;
      throw Object.assign(new CaptureError(`snapshot ${label}`, tally.where, cause.message), { cause });
    }
    before = now;
    stepBefore = step;
  }
  return tally;
}

/** What noise bounds depend on, from the machine and the script. */
function conditions(
  { snapshots, hardware }: Capture,
  steps: readonly Step[],
  count: number,
  since: readonly Step[],
): { cpus: number; nodes: number; interleaves: boolean; movesProcesses: boolean } {
  const cpus = [...hardware.matchAll(/^node \d+ cpus:(.*)$/gm)].flatMap((match) =>
    match[1]!.trim().split(/\s+/),
  );
  const nodes = nodesIn(snapshots[0]!.files).length;
  const hasCpusets = steps.slice(0, count).some(setsCpuset);
  return {
    cpus: Math.max(cpus.filter((cpu) => cpu !== '').length, nodes),
    nodes,
    interleaves: steps.slice(0, count).some(isInterleaving),
    movesProcesses: since.some((step) => movesProcess(step, hasCpusets)),
  };
}

const isInterleaving = (step: Step): boolean =>
  (step.verb === 'mempolicy' || step.verb === 'vm ttouch' || step.verb === 'vm vcpu') &&
  (step.args.mode === 'interleave' || step.args.mode === 'winterleave');

const setsCpuset = (step: Step): boolean => step.verb === 'cgroup limit' && step.args.file === 'cpuset.mems';

const movesProcess = (step: Step, hasCpusets: boolean): boolean =>
  step.verb === 'migratepages' ||
  (step.verb === 'exec' && step.args.argv.some((word) => word.endsWith('migratepages'))) ||
  setsCpuset(step) ||
  (step.verb === 'cgroup move' && hasCpusets);

function judge(
  capture: Capture,
  tally: Tally,
  reason: string | null,
  compared: number = capture.steps.length,
): CaptureResult {
  const { scenario, release, profile, steps } = capture;
  const classes = tally.classCounts();
  const offences = tally.offences.toSorted((a, b) => a.step - b.step);
  return {
    scenario,
    release,
    profile,
    verdict: verdictOf(tally, reason),
    reason,
    classes,
    excuses: [...tally.excuses].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, fields]) => ({ id, fields })),
    steps: { recorded: steps.length, matching: offences[0] ? offences[0].step - 1 : compared },
    offences,
  };
}

function verdictOf(tally: Tally, reason: string | null): Verdict {
  if (tally.offences.length > 0) return 'off';
  if (reason !== null || tally.counts.size === 0) return 'not judged';
  return tally.excuses.size > 0 ? 'within noise' : 'exact';
}
