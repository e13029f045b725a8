import { captureMachine } from '../conformance/capture-machine.ts';
import { CaptureError, type Capture } from '../conformance/capture.ts';
import {
  conformCapture,
  missingProfile,
  notJudged,
  type CaptureResult,
} from '../conformance/conform-capture.ts';
import type { ModelRun } from '../conformance/run-model.ts';
import { loadSteps } from '../scenario/load-steps.ts';
import type { Problem, Scenario } from '../scenario/types.ts';
import { runStrategy } from '../simulation/run-scenario.ts';
import { isModelled } from '../simulation/run-step.ts';
import { parseStrategy } from '../strategy/parse-strategy.ts';
import type { StrategyPlan } from '../strategy/plan.ts';
import { CATALOGUE } from '../../strategies/index.ts';

/** One capture's verdict on the model of Linux; a capture that does not fit together has none, and says why. */
export function judgeCapture(capture: Capture): CaptureResult {
  const missing = missingProfile(capture);
  if (missing !== null || capture.profile === null) return notJudged(capture, missing ?? '');
  try {
    const machine = captureMachine(capture);
    const file = 'script.steps';
    const loaded = loadSteps({ file, text: capture.script, machine, kernel: capture.profile, wasRun: true });
    if ('problems' in loaded) return notJudged(capture, problemWords(loaded.problems));
    return conformCapture(capture, loaded.scenario, runModel, isModelled);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return notJudged(capture, error.message);
  }
}

const problemWords = (problems: readonly Problem[]): string =>
  problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`).join('; ');

/** Runs the model under what Linux of the scenario's version does with private memory. */
function runModel(scenario: Scenario): ModelRun {
  const { name, steps, snapshots, error } = runStrategy(scenario, mainline(scenario.kernel));
  if (error) throw new Error(`${error.part}, step ${error.step}: ${error.message}`);
  return { name, steps, snapshots };
}

/** The named strategy all of whose parts Linux of a version has; the most recent where there are several. */
function mainline(kernel: string): StrategyPlan {
  const plans = CATALOGUE.presets.flatMap(({ name }): StrategyPlan[] => {
    const parsed = parseStrategy(name, CATALOGUE);
    return 'plan' in parsed ? [parsed.plan] : [];
  });
  const found = plans.filter(({ parts }) =>
    parts.every(
      ({ part: { meta } }) => meta.origin === 'mainline' && (meta.mainlineIn?.includes(kernel) ?? true),
    ),
  );
  if (found.length === 0) throw new Error(`no strategy is what Linux ${kernel} does`);
  return found.at(-1)!;
}
