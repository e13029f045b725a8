import { didYouMean } from '../units/closest-name.ts';
import type { Arguments, Verb, Word } from './verb.ts';

/** Keys that yargs adds. */
const ALWAYS: readonly string[] = ['_', '$0', 'help'];

/**
 * Everything that is wrong with a verb's arguments, option by option, with what would be right. `line` is the command line as
 * typed, where yargs reads any text behind a switch as "off".
 */
export function checkArguments(verb: Verb, args: Arguments, line: readonly string[]): string[] {
  const known = Object.keys(verb.options);
  const operand = verb.operand;
  const problems = Object.keys(args)
    .filter((key) => ![...ALWAYS, ...known, operand?.name ?? ''].includes(key))
    .map((key) => {
      const choices = known.map(dashed);
      const all = choices.length > 0 ? `options: ${choices.join(', ')}` : 'it has none';
      return `${verb.name} has no option ${dashed(key)}${didYouMean(dashed(key), choices)} (${all})`;
    });
  for (const name of known) problems.push(...checkOption(verb, name, args[name]));
  problems.push(...checkSwitches(verb, line));
  const extra = (args['_'] as readonly Word[]).slice(1).map(String);
  if (extra.length > 0) problems.push(`${verb.name} takes no further argument: ${extra.join(' ')}`);
  if (operand?.choices) {
    for (const value of [args[operand.name]].flat()) {
      if (value === undefined || operand.choices.includes(String(value))) continue;
      const near = didYouMean(String(value), operand.choices);
      problems.push(`${verb.name} knows no "${value}"${near} (${operand.choices.join(', ')})`);
    }
  }
  return problems;
}

function checkOption(verb: Verb, name: string, value: Arguments[string]): string[] {
  if (value === undefined) return [];
  const { type, array, choices } = verb.options[name]!;
  if (Array.isArray(value) && !array) return [`${dashed(name)} is given ${value.length} times`];
  if (type === 'boolean') return [];
  return [value].flat().flatMap((one): string[] => {
    if (one === '' || one === true) return [`${dashed(name)} needs a value`];
    if (!choices || choices.includes(String(one))) return [];
    const names = choices.map(String);
    return [`${dashed(name)} is "${one}"${didYouMean(String(one), names)} (${names.join(', ')})`];
  });
}

function checkSwitches({ options }: Verb, line: readonly string[]): string[] {
  return line.flatMap((word) => {
    const [, name = '', value = ''] = /^--(?:no-)?([^=]+)=(.*)$/.exec(word) ?? [];
    if (!Object.hasOwn(options, name) || options[name]!.type !== 'boolean') return [];
    return value === 'true' || value === 'false' ? [] : [`--${name} is "${value}" (true, false)`];
  });
}

const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);
