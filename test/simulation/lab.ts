import { CATALOGUE } from '../../strategies/index.ts';
import { ensureCgroup } from '../../src/kernel/cgroups.ts';
import type { StepResult } from '../../src/result/types.ts';
import type { Machine, Scenario, Step, StepArgs, Verb } from '../../src/scenario/types.ts';
import { runStep } from '../../src/simulation/run-step.ts';
import { World } from '../../src/simulation/world.ts';
import { parseStrategy } from '../../src/strategy/parse-strategy.ts';
import type { StrategyPlan } from '../../src/strategy/plan.ts';
import { PAGE_SIZE } from '../../src/units/pages.ts';

export const MiB: number = 2 ** 20;
export const GiB: number = 2 ** 30;
export const pages = (count: number): number => count * PAGE_SIZE;

/** Four nodes of one CPU each, in two pairs, as the rig has them. */
export function fourNodes(bytesEach: number): Machine {
  return {
    title: 'four nodes',
    nodes: [0, 1, 2, 3].map((cpu) => ({
      cpus: [cpu],
      memoryBytes: bytesEach,
      movableBytes: 0,
      background: { pageCache: 0, anon: 0, slab: 0 },
    })),
    distances: [
      [10, 12, 20, 24],
      [12, 10, 24, 20],
      [20, 24, 10, 12],
      [24, 20, 12, 10],
    ],
    sysctl: {},
    thp: { enabled: 'never', shmem: 'never', defrag: 'madvise' },
  };
}

/** The plan of a strategy expression of the built-in catalogue. */
export function planOf(expression: string): StrategyPlan {
  const parsed = parseStrategy(expression, CATALOGUE);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.plan;
}

/** The names of the eight strategies that always exist. */
export const PRESETS: readonly string[] = CATALOGUE.presets.map(({ name }) => name);

/** A step as a script parser would hand it over. */
export function step<V extends Verb>(verb: V, args: StepArgs[V], who: string | null = null): Step {
  return { verb, args, who, line: 1, column: 1, text: verb, expect: null } as unknown as Step;
}

export interface LabConfig {
  strategy?: string;
  kernel?: Scenario['kernel'];
  machine?: Machine;
}

/** A world without a script, in which steps run one at a time. */
export class Lab {
  readonly world: World;
  #n = 0;

  constructor({ strategy = 'page-cache', kernel = '6.12', machine = fourNodes(256 * MiB) }: LabConfig = {}) {
    this.world = new World({ scenario: scenarioOf({ kernel, machine }), plan: planOf(strategy) });
  }

  run(next: Step): StepResult {
    return runStep(this.world, next, ++this.#n);
  }

  /** Runs a step; 0 or the errno that it failed with. */
  do<V extends Verb>(verb: V, args: StepArgs[V], who: string | null = null): string {
    const { ret, errno } = this.run(step(verb, args, who));
    return ret < 0 ? errno : '0';
  }

  /** A cgroup with its parents, with every controller. */
  group(path: string): void {
    ensureCgroup(this.world.kernel, path);
  }
}

export function scenarioOf({ kernel, machine }: { kernel: Scenario['kernel']; machine: Machine }): Scenario {
  return {
    id: 'lab',
    file: 'lab.yaml',
    title: 'lab',
    description: '',
    sources: [],
    kernel,
    seed: 1,
    machine,
    strategies: [],
    processes: {},
    steps: [],
    script: '',
    expectations: [],
  };
}
