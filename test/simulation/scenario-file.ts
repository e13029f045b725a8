import { datasetNames, readDataset } from '../../src/cli/find-file.ts';
import type { RunResult, Snapshot, StrategyRun } from '../../src/result/types.ts';
import { loadScenario } from '../../src/scenario/load-scenario.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import { runScenario } from '../../src/simulation/run-scenario.ts';
import { planOf, PRESETS } from './lab.ts';

/** Names of the scenarios that the package brings along. */
export const SCENARIO_IDS: readonly string[] = datasetNames('scenarios');

/** Reads a scenario from its text; machines are the package's own. */
export async function scenarioFrom(file: string, text: string): Promise<Scenario> {
  const loaded = await loadScenario({
    file,
    text,
    machines: (name) => readDataset('machines', name) ?? null,
    machineNames: datasetNames('machines'),
  });
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  return loaded.scenario;
}

/** One of the package's own scenarios. */
export async function ownScenario(id: string): Promise<Scenario> {
  const source = readDataset('scenarios', id);
  if (!source) throw new Error(`no scenario ${id}`);
  return scenarioFrom(source.file, source.text);
}

/** Runs a scenario under strategies, by default all that have a name. */
export function runUnder(scenario: Scenario, strategies: readonly string[] = PRESETS): RunResult {
  return runScenario({ scenario, plans: strategies.map(planOf), version: '0.0.0' });
}

/** The run of one strategy in a result. */
export function runOf(result: RunResult, strategy: string): StrategyRun {
  const run = result.strategies.find(({ name }) => name === strategy);
  if (!run) throw new Error(`no run of ${strategy}`);
  return run;
}

/** A snapshot of a run. */
export function snapshotOf(run: StrategyRun, label: string): Snapshot {
  const snapshot = run.snapshots.find((each) => each.label === label);
  if (!snapshot) throw new Error(`${run.name} has no snapshot ${label}`);
  return snapshot;
}
