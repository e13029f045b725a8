import type { Problem, Scenario } from '../scenario/types.ts';
import { isModelled } from '../simulation/run-step.ts';

/** Steps that the language knows and the model can't run, as problems at their places. */
export function unmodelledSteps({ file, steps }: Scenario): Problem[] {
  return steps
    .filter((step) => !isModelled(step))
    .map(({ line, column, verb, text }) => ({
      file,
      line,
      column,
      message: `"${verb === 'write' || verb === 'exec' ? text : verb}" can be run on a real kernel only, not on the model`,
      reason: 'step',
    }));
}
