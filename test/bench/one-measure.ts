/** One measurement in a process of its own, so that no other's garbage counts: prints milliseconds and peak MB as JSON. */
import type { RunResult, StrategyRun } from '../../src/result/types.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import { runScenario } from '../../src/simulation/run-scenario.ts';
import type { StrategyPlan } from '../../src/strategy/plan.ts';
import { eightPlans, guest, planOf } from './guest.ts';

const [what = '', argument = ''] = process.argv.slice(2);
const RANDOM_FAULTS = 10_000_000;

const MEASURES: Readonly<Record<string, () => { ms: number; faults?: number }>> = {
  /** A guest of so many GiB that touches everything in order, under all eight strategies; the middle of five runs. */
  'in-order': () => {
    const gib = Number(argument);
    // Eight slots whatever the size, so that the steps are the same: KVM takes nearly 8 TiB in one at most.
    const scenario = guest(gib, 8, `snapshot launched\nvm touch 4M ${gib * 1024 - 4}M\nsnapshot booted`);
    const plans = eightPlans();
    const times = Array.from({ length: 5 }, () => timed(scenario, plans));
    return { ms: times.sort((a, b) => a - b)[2]! };
  },
  /** 4 KiB faults in random order over 40 GiB, under one strategy. */
  'random-faults': () => {
    const scenario = guest(40, 1, `vm touch 4M ${40 * 1024 - 4}M random=${RANDOM_FAULTS} seed=7`);
    const plans = [planOf(argument)];
    return {
      ms: timed(scenario, plans),
      faults: RANDOM_FAULTS,
    };
  },
};

/** Milliseconds of a run. A run in which a step failed measures nothing: it throws. */
function timed(scenario: Scenario, plans: readonly StrategyPlan[]): number {
  const start = performance.now();
  const result: RunResult = runScenario({ scenario, plans, version: 'bench' });
  const ms = performance.now() - start;
  for (const run of result.strategies) check(run);
  return ms;
}

function check({ name, steps, error }: StrategyRun): void {
  const failed = steps.find(({ errno }) => errno !== '');
  if (failed) throw new Error(`${name}: "${failed.text}" returned ${failed.errno}`);
  if (error) throw new Error(`${name}: ${error.message}`);
}

const measure = MEASURES[what];
if (!measure) throw new Error(`no measure "${what}": ${Object.keys(MEASURES).join(', ')}`);
console.log(JSON.stringify({ ...measure(), peakMb: Math.round(process.resourceUsage().maxRSS / 1024) }));
