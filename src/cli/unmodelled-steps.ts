import type { Problem, Scenario } from '../scenario/types.ts';
import { isModelled } from '../simulation/run-step.ts';

/** Steps that the language knows and the model can't run, as problems at their places. */
export function unmodelledSteps({ file, steps }: Scenario): Problem[] {
  return steps
    .filter(({ verb }) => !isModelled(verb))
    .map(({ line, column, verb }) => ({
      file,
      line,
      column,
      message: `"${verb}" can be run on a real kernel only, not on the model`,
      reason: 'step',
    }));
}
