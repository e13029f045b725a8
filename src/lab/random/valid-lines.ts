import { loadSteps } from '../../scenario/load-steps.ts';
import type { Machine, Scenario } from '../../scenario/types.ts';
import { isModelled } from '../../simulation/run-step.ts';
import { unrunnable } from '../run-lab-step.ts';

/** What random scripts run on. */
export interface RandomGround {
  machine: Machine;
  kernel: Scenario['kernel'];
}

/** The scenario that lines of a script are; null when they are not valid. */
export function scenarioOf(id: string, lines: readonly string[], ground: RandomGround): Scenario | null {
  const loaded = loadSteps({ file: `${id}.steps`, text: `${lines.join('\n')}\n`, ...ground });
  return 'problems' in loaded ? null : loaded.scenario;
}

/**
 * Lines without those that the parser refuses, above all because what they refer to went away with another line, and without
 * those that the model or the lab does not run. What is left is valid.
 */
export function validLines(lines: readonly string[], ground: RandomGround): string[] {
  let left = [...lines];
  for (;;) {
    if (left.length === 0) return left;
    const loaded = loadSteps({ file: 'random.steps', text: `${left.join('\n')}\n`, ...ground });
    const bad = new Set(
      'problems' in loaded
        ? loaded.problems.map(({ line }) => line)
        : loaded.scenario.steps.flatMap((step) =>
            isModelled(step) && unrunnable(step) === null ? [] : [step.line],
          ),
    );
    if (bad.size === 0) return left;
    left = left.filter((_, at) => !bad.has(at + 1));
  }
}
