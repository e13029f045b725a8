import type { Report } from '../place.ts';
import type { Step } from '../types.ts';

/** Reports snapshots whose label another one has: each label is a directory of the output. */
export function checkLabels(steps: readonly Step[], report: Report): void {
  const taken = new Map<string, Step>();
  const reported = new Set<Step>();
  for (const step of steps) {
    if (step.verb !== 'snapshot') continue;
    const { label } = step.args;
    const first = taken.get(label);
    if (!first) taken.set(label, step);
    else if (!reported.has(step)) {
      reported.add(step);
      const message =
        first === step
          ? `snapshot "${label}" would be taken in every round: take it out of the block`
          : `snapshot "${label}" is taken on line ${first.line} already`;
      report({ line: step.line, column: step.column }, 'reference', message);
    }
  }
}
