import type { StepResult, StrategyRun } from '../result/types.ts';

/** A step that failed or came out otherwise than stated, and under which strategies it did so in the same way. */
export interface OddStep {
  step: StepResult;
  strategies: string[];
}

/** Failing and unexpected steps of all strategies, by position; equal outcomes are put together. */
export function oddSteps(runs: readonly StrategyRun[]): OddStep[] {
  const byOutcome = new Map<string, OddStep>();
  for (const run of runs) {
    for (const step of run.steps) {
      if (step.ret >= 0 && step.expected) continue;
      const key = JSON.stringify([step.n, step.ret, step.errno, step.message, step.expected]);
      const found = byOutcome.get(key);
      if (found) found.strategies.push(run.name);
      else byOutcome.set(key, { step, strategies: [run.name] });
    }
  }
  return [...byOutcome.values()].sort((a, b) => a.step.n - b.step.n);
}
