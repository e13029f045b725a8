import { planStrategies, type OwnParts } from './plan-strategies.ts';

/** A strategy's name in a scenario that is not good, and why. */
export interface NamedStrategyProblem {
  path: (string | number)[];
  words: string;
}

/**
 * Checks the strategies that a scenario names (whatever else is wrong with it): those to run, and those that its expectations
 * are about, which must be among them.
 */
export function namedStrategies(scenario: unknown, own: OwnParts): NamedStrategyProblem[] {
  const { strategies, expect } = (scenario ?? {}) as { strategies?: unknown; expect?: unknown };
  const toRun = Array.isArray(strategies) ? strategies.filter(isName) : [];
  const run = new Set(planStrategies(own, [], toRun).plans.map(({ name }) => name));
  const about = (Array.isArray(expect) ? expect : []).flatMap((table: unknown, index) => {
    const named = (table as { strategies?: unknown } | null)?.strategies;
    const path = ['expect', index, 'strategies'];
    return Array.isArray(named)
      ? named.map((name: unknown, at) => ({ name, path: [...path, at] }))
      : [{ name: named, path }];
  });
  return [
    ...(Array.isArray(strategies) ? strategies : []).flatMap((name: unknown, at) =>
      isName(name) ? unknown(name, ['strategies', at], own) : [],
    ),
    ...about.flatMap(({ name, path }) => (isName(name) && name !== 'all' ? unmet(name, path, run, own) : [])),
  ];
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== '';

function unknown(name: string, path: (string | number)[], own: OwnParts): NamedStrategyProblem[] {
  return planStrategies(own, [name]).problems.map(({ words }) => ({ path, words }));
}

/** A strategy of an expectation: one that runs, by its canonical name. */
function unmet(
  name: string,
  path: (string | number)[],
  run: ReadonlySet<string>,
  own: OwnParts,
): NamedStrategyProblem[] {
  const { plans, problems } = planStrategies(own, [name]);
  const [plan] = plans;
  if (!plan) return problems.map(({ words }) => ({ path, words }));
  if (plan.name !== name) return [{ path, words: `write "${plan.name}" for "${name}": results call it so` }];
  if (run.has(name)) return [];
  const words = `"${name}" is none of the strategies that the scenario runs (${[...run].join(', ')}): it would never be checked`;
  return [{ path, words }];
}
