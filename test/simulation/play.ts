import type { CgroupFacts, NodeFacts, ProcessFacts } from '../../src/procfs/facts.ts';
import { rssPages } from '../../src/procfs/statm.ts';
import type { Holding, Snapshot, StepResult, StrategyRun } from '../../src/result/types.ts';
import { loadSteps } from '../../src/scenario/load-steps.ts';
import type { Machine, Scenario } from '../../src/scenario/types.ts';
import { runStrategy } from '../../src/simulation/run-scenario.ts';
import { fourNodes, GiB, MiB, planOf } from './lab.ts';

/** A script that ran under one strategy, and what its snapshots say. */
export class Played {
  readonly run: StrategyRun;

  constructor(run: StrategyRun) {
    this.run = run;
  }

  snapshot(label: string): Snapshot {
    const found = this.run.snapshots.find((snapshot) => snapshot.label === label);
    if (!found) throw new Error(`no snapshot ${label}`);
    return found;
  }

  /** The process of a worker, or undefined when it was not alive. */
  process(label: string, worker = 'w0'): ProcessFacts | undefined {
    return this.snapshot(label).facts.processes.find((process) => process.worker === worker);
  }

  /** RSS of a worker in pages; null when it was not alive. */
  rss(label: string, worker = 'w0'): number | null {
    const process = this.process(label, worker);
    return process ? rssPages(process) : null;
  }

  cgroup(label: string, path: string): CgroupFacts {
    const found = this.snapshot(label).facts.cgroups.find((cgroup) => cgroup.path === path);
    if (!found) throw new Error(`no cgroup ${path} in ${label}`);
    return found;
  }

  node(label: string, nid: number): NodeFacts {
    return this.snapshot(label).facts.nodes[nid]!;
  }

  /** A counter summed over the nodes. */
  counter(label: string, name: string): number {
    return this.snapshot(label).facts.nodes.reduce((sum, { counters }) => {
      const count = counters[name];
      if (count === undefined) throw new Error(`no counter ${name}`);
      return sum + count;
    }, 0);
  }

  /** The truth about an object that holds memory. */
  holding(label: string, object: string): Holding | undefined {
    return this.snapshot(label).truth.holdings.find((holding) => holding.object === object);
  }

  /** Pages of an object, by node. */
  nodesOf(label: string, object: string): number[] {
    return this.holding(label, object)?.nodePages ?? [0, 0, 0, 0];
  }

  pagesOf(label: string, object: string): number {
    return this.nodesOf(label, object).reduce((sum, n) => sum + n, 0);
  }

  /** Results of the steps that read so. */
  step(text: string): StepResult {
    const found = this.run.steps.find((step) => step.text === text);
    if (!found) throw new Error(`no step "${text}"`);
    return found;
  }

  errno(text: string): string {
    const { ret, errno } = this.step(text);
    return ret < 0 ? errno : '0';
  }

  get findings(): string[] {
    return this.run.findings.map(({ id }) => id);
  }
}

export interface PlayConfig {
  kernel?: Scenario['kernel'];
  machine?: Machine;
}

/** Machines with room for guests of 40 MiB, and of 40 GiB. */
export const SMALL: Machine = fourNodes(256 * MiB);
export const TALK: Machine = fourNodes(64 * GiB);

/** Runs a script under a strategy, from its text to the result document. */
export function play(
  strategy: string,
  text: string,
  { kernel = '6.12', machine = SMALL }: PlayConfig = {},
): Played {
  const loaded = loadSteps({ file: 'test.steps', text, machine, kernel });
  if (!('scenario' in loaded)) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return new Played(runStrategy(loaded.scenario, planOf(strategy)));
}
