import { existsSync } from 'node:fs';
import { captureMachine } from '../../conformance/capture-machine.ts';
import { CaptureError, type Capture } from '../../conformance/capture.ts';
import {
  conformCapture,
  missingProfile,
  notJudged,
  type CaptureResult,
} from '../../conformance/conform-capture.ts';
import { conformJson } from '../../conformance/conform-json.ts';
import { conformJunit } from '../../conformance/conform-junit.ts';
import { conformMd } from '../../conformance/conform-md.ts';
import { conformExitCode, conformReport, type ConformReport } from '../../conformance/conform-report.ts';
import { conformTable } from '../../conformance/conform-table.ts';
import { findCaptures, readCapture } from '../../conformance/read-capture.ts';
import type { ModelRun } from '../../conformance/run-model.ts';
import { loadSteps } from '../../scenario/load-steps.ts';
import type { Problem, Scenario } from '../../scenario/types.ts';
import { runStrategy } from '../../simulation/run-scenario.ts';
import { parseStrategy } from '../../strategy/parse-strategy.ts';
import type { StrategyPlan } from '../../strategy/plan.ts';
import { CATALOGUE } from '../../../strategies/index.ts';
import { EXIT } from '../exit-codes.ts';
import { InputError } from '../input-error.ts';
import { breathe } from '../interrupt.ts';
import { datasetPath } from '../package-root.ts';
import { say, showProgress } from '../progress.ts';
import { unmodelledSteps } from '../unmodelled-steps.ts';
import { textOf, textsOf, type Arguments } from '../verb.ts';

const WRITERS: Readonly<Record<string, (report: ConformReport) => string>> = {
  table: (report) => conformTable(report),
  json: conformJson,
  md: (report) => conformMd(report),
  junit: (report) => conformJunit(report),
};

/** `gmemlab conform`: the model against captures of real kernels. */
export async function conformCommand(args: Arguments): Promise<number> {
  const captures = readCaptures(textsOf(args, 'capture'));
  if (captures.length === 0) {
    say(`no captures: ${datasetPath('captures')} is only in the repository; name a directory with captures`);
    return EXIT.noVerdict;
  }
  const results: CaptureResult[] = [];
  for (const capture of captures) {
    showProgress(`${capture.scenario} on ${capture.release}`);
    await breathe();
    results.push(judge(capture));
  }
  showProgress('');
  const report = conformReport(results);
  process.stdout.write(WRITERS[textOf(args, 'format')!]!(report));
  return conformExitCode(report);
}

/** All captures below the given directories, or below the package's own. */
function readCaptures(given: readonly string[]): Capture[] {
  const problems: string[] = [];
  const captures: Capture[] = [];
  const roots = given.length > 0 ? given : [datasetPath('captures')].filter(existsSync);
  for (const root of roots) {
    try {
      if (!existsSync(root)) throw new CaptureError(root, '', 'no such directory');
      const dirs = findCaptures(root);
      if (dirs.length === 0)
        throw new CaptureError(root, '', 'holds no capture (a directory with steps.jsonl)');
      captures.push(...dirs.map(readCapture));
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new InputError(problems);
  return captures;
}

/** One capture's verdict; a capture that does not fit together has none, and says why. */
function judge(capture: Capture): CaptureResult {
  const missing = missingProfile(capture);
  if (missing !== null || capture.profile === null) return notJudged(capture, missing ?? '');
  try {
    const machine = captureMachine(capture);
    const file = 'script.steps';
    const loaded = loadSteps({ file, text: capture.script, machine, kernel: capture.profile });
    const problems = 'problems' in loaded ? loaded.problems : unmodelledSteps(loaded.scenario);
    if ('problems' in loaded || problems[0]) return notJudged(capture, problemWords(problems));
    return conformCapture(capture, loaded.scenario, runModel);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return notJudged(capture, error.message);
  }
}

const problemWords = (problems: readonly Problem[]): string =>
  problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`).join('; ');

/** Runs the model under what Linux of the scenario's version does with private memory. */
function runModel(scenario: Scenario): ModelRun {
  const { steps, snapshots, error } = runStrategy(scenario, mainline(scenario.kernel));
  if (error) throw new Error(`${error.part}, step ${error.step}: ${error.message}`);
  return { steps, snapshots };
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
