import type { Scenario } from '../scenario/types.ts';
import type { Catalogue, StrategyPlan } from '../strategy/plan.ts';
import { InputError } from './input-error.ts';
import { loadCatalogue, planStrategies } from './plan-strategies.ts';
import { say } from './progress.ts';
import { readScenario } from './read-scenario.ts';
import { textOf, textsOf, type Arguments } from './verb.ts';

/** A scenario with the strategies that it runs under. */
export interface Job {
  scenario: Scenario;
  plans: StrategyPlan[];
}

export interface Jobs {
  jobs: Job[];
  catalogue: Catalogue;
}

/** Reads and checks everything that `run` and `compare` are given. Throws InputError with all problems of all of it. */
export async function loadJobs(args: Arguments): Promise<Jobs> {
  const problems: string[] = [];
  const seed = seedOf(args, problems);
  const kernel = textOf(args, 'kernel') as Scenario['kernel'] | undefined;
  const own = await loadCatalogue(textsOf(args, 'strategy-file'));
  problems.push(...own.problems);
  const asked = textsOf(args, 'strategy');
  const forAll = planStrategies(own, asked);
  problems.push(...forAll.problems.map(({ words }) => words));
  const jobs: Job[] = [];
  for (const given of new Set(textsOf(args, 'scenario'))) {
    const isAsked = asked.length > 0;
    const read = await readScenario(given, {
      machine: textOf(args, 'machine'),
      kernel,
      own: isAsked ? null : own,
    });
    if ('problems' in read) {
      problems.push(...read.problems);
      continue;
    }
    const { scenario: written } = read;
    const scenario = changed(written, { kernel, seed });
    const { plans } = isAsked ? forAll : planStrategies(own, [], scenario.strategies);
    jobs.push({ scenario, plans });
  }
  problems.push(...repeatedIds(jobs), ...formatProblems(jobs, textOf(args, 'format')));
  if (problems.length > 0) throw new InputError(problems);
  return { jobs, catalogue: own.catalogue };
}

/** The scenario with another kernel or seed. Its expectations are about what it states, so that they go then. */
function changed(
  written: Scenario,
  {
    kernel = written.kernel,
    seed = written.seed,
  }: { kernel: Scenario['kernel'] | undefined; seed: number | undefined },
): Scenario {
  if (kernel === written.kernel && seed === written.seed) return written;
  const { length } = written.expectations;
  if (length > 0) {
    const own = `Linux ${written.kernel} and seed ${written.seed}`;
    say(`${written.id}: its ${length} expectations are for ${own}: they are not checked`);
  }
  return { ...written, kernel, seed, expectations: [] };
}

function seedOf(args: Arguments, problems: string[]): number | undefined {
  const text = textOf(args, 'seed');
  if (text === undefined) return undefined;
  const seed = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(seed)) return seed;
  problems.push(`--seed is "${text}", must be a whole number of at most ${Number.MAX_SAFE_INTEGER}`);
  return undefined;
}

function repeatedIds(jobs: readonly Job[]): string[] {
  const files = new Map<string, string>();
  return jobs.flatMap(({ scenario: { id, file } }) => {
    const other = files.get(id);
    files.set(id, file);
    return other === undefined
      ? []
      : [`${other} and ${file} are both called "${id}": their reports would meet`];
  });
}

/** CSV lines say nothing of their scenario. */
function formatProblems(jobs: readonly Job[], format: string | undefined): string[] {
  if (format !== 'csv' || jobs.length <= 1) return [];
  return [`--format csv holds one scenario, not ${jobs.length}: name them one by one`];
}
