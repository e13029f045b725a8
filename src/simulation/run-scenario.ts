import { checkExpectations } from '../expect/check-expectations.ts';
import { worldLabel } from '../result/trust.ts';
import {
  RESULT_FORMAT,
  type PartUse,
  type RunResult,
  type Snapshot,
  type StepResult,
  type StrategyRun,
} from '../result/types.ts';
import type { Scenario } from '../scenario/types.ts';
import { KernelPanic } from '../kernel/kernel-panic.ts';
import type { PlannedPart, StrategyPlan } from '../strategy/plan.ts';
import { formatList } from '../units/nodelist.ts';
import { checkLaws } from './laws.ts';
import { allOperations } from './kernel-operations.ts';
import { done } from './outcome.ts';
import { runStep, stepResult } from './run-step.ts';
import { snapshotFacts } from './readers/snapshot-facts.ts';
import { truthFacts } from './readers/truth-facts.ts';
import { PartError, World } from './world.ts';

/** What to run: one scenario under several strategies, each in a world of its own. */
export interface RunConfig {
  scenario: Scenario;
  plans: readonly StrategyPlan[];
  version: string;
}

/** Where the schema of the result document is published, relative to the package. */
const RESULT_SCHEMA = 'datasets/schema/result.schema.json';

/** Runs a scenario. The same scenario and plans give the same document, on every machine. */
export function runScenario({ scenario, plans, version }: RunConfig): RunResult {
  return {
    $schema: RESULT_SCHEMA,
    format: RESULT_FORMAT,
    tool: { name: 'gmemlab', version },
    scenario: {
      id: scenario.id,
      title: scenario.title,
      description: scenario.description,
      kernel: scenario.kernel,
      seed: scenario.seed,
      steps: scenario.script,
      sources: scenario.sources,
    },
    machine: {
      title: scenario.machine.title,
      nodes: scenario.machine.nodes.map((node, nid) => ({
        nid,
        cpulist: formatList(node.cpus),
        memoryBytes: node.memoryBytes,
        distances: scenario.machine.distances[nid]!,
      })),
    },
    strategies: plans.map((plan) => runStrategy(scenario, plan)),
  };
}

/** Runs a scenario in one strategy's world. A part that throws, or a kernel that panics, ends its run; everything up to there is kept. */
export function runStrategy(scenario: Scenario, plan: StrategyPlan): StrategyRun {
  const steps: StepResult[] = [];
  const snapshots: Snapshot[] = [];
  const run: StrategyRun = {
    name: plan.name,
    title: plan.title,
    parts: plan.parts.map(partUse),
    label: worldLabel({
      kernel: scenario.kernel,
      strategy: plan.name,
      isMainline:
        (scenario.proposed ?? []).length === 0 &&
        plan.parts.every((planned) => isMainline(planned, scenario.kernel)),
      vmTypes: scenario.steps.flatMap((step) => (step.verb === 'vm create' ? [step.args.type] : [])),
    }),
    error: null,
    steps,
    snapshots,
    findings: [],
    expectations: [],
    counts: {},
    ledger: [],
  };
  let world: World | null = null;
  let n = 0;
  let line = 0;
  try {
    world = new World({ scenario, plan });
    for (const step of scenario.steps) {
      n++;
      line = step.line;
      if (step.verb === 'snapshot') {
        world.at = { step: n, line };
        checkLaws(world);
        const facts = snapshotFacts(world);
        snapshots.push({ label: step.args.label, step: n, facts, truth: truthFacts(world) });
        steps.push(stepResult(step, n, 'ctl', done()));
        continue;
      }
      const result = runStep(world, step, n);
      steps.push(result);
      if (!result.expected) {
        const got = result.errno === '' ? `${result.ret}` : `-${result.errno}`;
        const stated = step.expect === 0 ? '0' : `-${step.expect}`;
        world.report(
          'expectation',
          'step-result',
          `"${step.text}" returned ${got}, the script states ${stated}`,
        );
      }
    }
  } catch (error) {
    if (error instanceof PartError) run.error = { step: n, line, message: error.message, part: error.part };
    else if (error instanceof KernelPanic)
      run.error = { step: n, line, message: error.message, part: 'kernel' };
    else throw error;
  }
  if (world) {
    run.findings = world.findings;
    run.kills = world.kills;
    if (world.movers.records.length > 0) run.movers = world.movers.records;
    if (world.pools.rows) run.inBothPools = world.pools.rows;
    if (world.kernel.log.length > 0) run.kernelLog = [...world.kernel.log];
    run.counts = sorted(allOperations(world));
    run.ledger = world.ledger.lines();
  }
  run.expectations = checkExpectations(scenario.expectations, run, scenario.kernel);
  return run;
}

function partUse({ part: { meta }, options }: PlannedPart): PartUse {
  const { axis, id, title, summary, origin, source } = meta;
  return { axis, id, title, summary, origin, source, options: { ...options } };
}

/** Whether Linux of this version does what the part does. */
function isMainline({ part: { meta } }: PlannedPart, kernel: string): boolean {
  return meta.origin === 'mainline' && (meta.mainlineIn?.includes(kernel) ?? true);
}

function sorted(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}
