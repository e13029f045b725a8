import type { SnapshotFacts } from '../procfs/facts.ts';
import type { StepResult } from '../result/types.ts';
import type { Scenario } from '../scenario/types.ts';

/** What a run of the model leaves for the comparison. */
export interface ModelRun {
  /** Name of the strategy that ran. */
  name: string;
  steps: StepResult[];
  snapshots: { label: string; facts: SnapshotFacts }[];
}

/** Runs the model on a scenario, under the strategy that Linux of the scenario's version follows. */
export type RunModel = (scenario: Scenario) => ModelRun;
