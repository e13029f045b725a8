import type { Problem, Scenario } from '../scenario/types.ts';
import { isModelled } from '../simulation/run-step.ts';

/** Verbs of which the model runs a part: the whole step says which. */
const ABOUT_MORE: ReadonlySet<string> = new Set([
  'anon map',
  'cgroup limit',
  'exec',
  'madvise',
  'memfd create',
  'rlimit',
  'write',
]);

/** Steps that the language knows and the model can't run, as problems at their places. */
export function unmodelledSteps({ file, steps }: Scenario): Problem[] {
  return steps
    .filter((step) => !isModelled(step))
    .map(({ line, column, verb, text }) => ({
      file,
      line,
      column,
      message: `"${ABOUT_MORE.has(verb) ? text : verb}" can be run on a real kernel only, not on the model`,
      reason: 'step',
    }));
}
