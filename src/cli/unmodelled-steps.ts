import type { Problem, Scenario, Step } from '../scenario/types.ts';
import { isModelled } from '../simulation/run-step.ts';
import { isLookingProgram } from '../simulation/steps/looking-programs.ts';

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
    .filter((step) => !isModelled(step) || isForOutput(step))
    .map(({ line, column, verb, text }) => ({
      file,
      line,
      column,
      message: `"${ABOUT_MORE.has(verb) ? text : verb}" can be run on a real kernel only, not on the model`,
      reason: 'step',
    }));
}

/** A program that only looks: a capture of a kernel may hold it, but nobody would get its output from a model. */
const isForOutput = (step: Step): boolean => step.verb === 'exec' && isLookingProgram(step.args.argv);
