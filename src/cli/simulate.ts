import type { RunResult } from '../result/types.ts';
import type { Scenario } from '../scenario/types.ts';
import { runScenario, runStrategy } from '../simulation/run-scenario.ts';
import type { StrategyPlan } from '../strategy/plan.ts';
import { breathe } from './interrupt.ts';
import { packageVersion } from './package-root.ts';
import { showProgress } from './progress.ts';

/** Runs a scenario under one strategy after the other, with time for an interrupt between them. */
export async function simulate(scenario: Scenario, plans: readonly StrategyPlan[]): Promise<RunResult> {
  const result = runScenario({ scenario, plans: [], version: packageVersion() });
  for (const [at, plan] of plans.entries()) {
    showProgress(`${scenario.id}: ${plan.name} (${at + 1} of ${plans.length})`);
    await breathe();
    result.strategies.push(runStrategy(scenario, plan));
  }
  showProgress('');
  return result;
}
