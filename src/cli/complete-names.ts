import { datasetNames } from './find-file.ts';
import type { Verb } from './verb.ts';

/** Options that take a strategy. */
const STRATEGY_OPTIONS: readonly string[] = ['--strategy', '--reference'];

/**
 * What may stand where the user types, the last of the words: values of the option before it, else what the verb takes;
 * empty where verbs or options stand, or files.
 */
export async function completeNames(words: readonly string[], verbs: readonly Verb[]): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const previous = words.at(-2) ?? '';
  const verb = verbs.find(({ name }) => words.slice(0, -1).includes(name));
  if (!verb || current.startsWith('-')) return [];
  const names = await choices(verb, previous);
  return names.filter((name) => name.startsWith(current));
}

async function choices({ operand, options }: Verb, previous: string): Promise<readonly string[]> {
  if (STRATEGY_OPTIONS.includes(previous)) {
    const { CATALOGUE } = await import('../../strategies/index.ts');
    return CATALOGUE.presets.map(({ name }) => name);
  }
  const option = previous.startsWith('--') ? options[previous.slice(2)] : undefined;
  if (option && option.type !== 'boolean') return option.choices?.map(String) ?? [];
  return operand?.name === 'scenario' ? datasetNames('scenarios') : (operand?.choices ?? []);
}
