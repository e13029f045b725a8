import type { Catalogue, StrategyPlan } from '../strategy/plan.ts';
import { parseStrategy } from '../strategy/parse-strategy.ts';
import { CATALOGUE } from '../../strategies/index.ts';
import { loadPartFile } from './load-part-file.ts';

/** The catalogue with the user's own parts. */
export interface OwnParts {
  catalogue: Catalogue;
  /** Ids of the parts from files. */
  ownIds: string[];
  problems: string[];
}

/** Adds the parts of the user's files to the catalogue. */
export async function loadCatalogue(files: readonly string[]): Promise<OwnParts> {
  const parts = [...CATALOGUE.parts];
  const names = new Set([...parts.map(({ meta }) => meta.id), ...CATALOGUE.presets.map(({ name }) => name)]);
  const ownIds: string[] = [];
  const problems: string[] = [];
  for (const file of files) {
    const checked = await loadPartFile(file);
    if ('problems' in checked) {
      problems.push(...checked.problems);
      continue;
    }
    const { id } = checked.part.meta;
    if (names.has(id)) {
      problems.push(`${file}: meta.id: there is a strategy or part "${id}" already`);
      continue;
    }
    names.add(id);
    ownIds.push(id);
    parts.push(checked.part);
  }
  return { catalogue: { parts, presets: CATALOGUE.presets }, ownIds, problems };
}

/** An expression that is no strategy, and why. */
export interface StrategyProblem {
  expression: string;
  words: string;
}

/**
 * Plans what is to run, without repetition: the strategies asked for, else the scenario's, else all that have a name; and each
 * part of the user's that none of them holds.
 */
export function planStrategies(
  { catalogue, ownIds }: OwnParts,
  asked: readonly string[],
  ofScenario: readonly string[] = [],
): { plans: StrategyPlan[]; problems: StrategyProblem[] } {
  const all = catalogue.presets.map(({ name }) => name);
  const expressions = [asked, ofScenario, all].find((list) => list.length > 0) ?? [];
  const plans = new Map<string, StrategyPlan>();
  const problems: StrategyProblem[] = [];
  const add = (expression: string): void => {
    const parsed = parseStrategy(expression, catalogue);
    if ('problem' in parsed) problems.push({ expression, words: parsed.problem });
    else plans.set(parsed.plan.name, parsed.plan);
  };
  for (const expression of expressions) add(expression);
  const used = new Set([...plans.values()].flatMap(({ parts }) => parts.map(({ part }) => part.meta.id)));
  for (const id of ownIds) if (!used.has(id)) add(id);
  return { plans: [...plans.values()], problems };
}
