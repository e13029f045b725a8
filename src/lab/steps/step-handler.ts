import type { StepArgs, Verb } from '../../scenario/types.ts';
import type { LabOutcome, LabRun } from '../lab-run.ts';
import type { LabWorker } from '../lab-worker.ts';

/** Turns a verb of a worker into requests to the guest. */
export type WorkerSteps<V extends Verb> = {
  [K in V]: (run: LabRun, worker: LabWorker, args: StepArgs[K]) => Promise<LabOutcome>;
};

/** Turns a verb of the controller into requests to the guest. */
export type ControllerSteps<V extends Verb> = {
  [K in V]: (run: LabRun, args: StepArgs[K]) => Promise<LabOutcome>;
};
