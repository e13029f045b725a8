import { ProcTextError } from '../procfs/proc-text.ts';
import type { FieldCount } from '../result/verification.ts';
import type { Scenario, Step } from '../scenario/types.ts';
import { PROFILE_NAMES } from './capture-meta.ts';
import { captureScenario } from './capture-scenario.ts';
import { CaptureError, type Capture, type RecordedStep } from './capture.ts';
import { compareRun } from './compare-run.ts';
import type { FieldClassName } from './field-class.ts';
import type { RunModel } from './run-model.ts';
import { Tally, type ClassFields, type Offence } from './tally.ts';

export type Verdict = 'exact' | 'within noise' | 'off' | 'not judged';

/** How the model did on one capture. */
export interface CaptureResult {
  scenario: string;
  release: string;
  profile: string | null;
  verdict: Verdict;
  /** Why there is no verdict; null where there is one. */
  reason: string | null;
  /** Strategy that ran on the model; null where none did. */
  strategy: string | null;
  /** Types of VM that the script created. */
  vmTypes: string[];
  classes: { fieldClass: FieldClassName; count: FieldCount }[];
  /** The same by field. */
  fields: ClassFields[];
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
    strategy: null,
    vmTypes: [],
    classes: [],
    fields: [],
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
  if (stop < 0) return judge(capture, ready, compare(capture, ready, runModel), null);
  const { line, text } = ready.steps[stop]!;
  const reason = `compared up to line ${line}: the model cannot run "${text}"`;
  const part: Capture = {
    ...capture,
    steps: capture.steps.slice(0, stop),
    snapshots: capture.snapshots.filter(({ step }) => step <= stop),
  };
  const known = { ...ready, steps: ready.steps.slice(0, stop) };
  const compared = compare(part, known, runModel);
  return judge(capture, known, compared, compared.tally.offences.length > 0 ? null : reason);
}

/** What a comparison found, and under which strategy. */
interface Compared {
  tally: Tally;
  strategy: string;
  /** Steps that were compared. */
  until: number;
}

function compare(capture: Capture, scenario: Scenario, runModel: RunModel): Compared {
  const run = runModel(scenario);
  const tally = new Tally();
  try {
    return { tally, strategy: run.name, until: compareRun(tally, capture, scenario, run) };
  } catch (cause) {
    if (!(cause instanceof ProcTextError)) throw cause;
    const { snapshot, where } = tally.place;
    throw Object.assign(new CaptureError(`snapshot ${snapshot}`, where, cause.message), { cause });
  }
}

function judge(
  capture: Capture,
  compared: Scenario,
  { tally, strategy, until }: Compared,
  reason: string | null,
): CaptureResult {
  const { scenario, release, profile, steps } = capture;
  const offences = tally.offences.toSorted((a, b) => a.step - b.step);
  const matching = offences[0] ? offences[0].step - 1 : until;
  return {
    scenario,
    release,
    profile,
    verdict: verdictOf(tally, reason),
    reason,
    strategy,
    vmTypes: vmTypesOf(compared.steps, steps),
    classes: tally.classCounts(),
    fields: tally.fieldCounts(),
    excuses: [...tally.excuses].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, fields]) => ({ id, fields })),
    steps: { recorded: steps.length, matching: matching },
    offences,
  };
}

function vmTypesOf(steps: readonly Step[], recorded: readonly RecordedStep[]): string[] {
  const types = steps.flatMap((step, at) =>
    step.verb === 'vm create' && recorded[at]?.errno === '' ? [step.args.type] : [],
  );
  return [...new Set(types)].sort();
}

function verdictOf(tally: Tally, reason: string | null): Verdict {
  if (tally.offences.length > 0) return 'off';
  if (reason !== null || tally.counts.size === 0) return 'not judged';
  return tally.excuses.size > 0 ? 'within noise' : 'exact';
}
