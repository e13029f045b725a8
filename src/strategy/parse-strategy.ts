import { didYouMean } from '../units/closest-name.ts';
import { AXES, type Axis, type OptionValue, type Part } from './contract.ts';
import { optionChoices, readOption } from './option-value.ts';
import { ExpressionError, parseTerms, type Term } from './parse-terms.ts';
import type { Catalogue, PlannedPart, Preset, StrategyPlan } from './plan.ts';
import { presetOptionOwner } from './preset-option.ts';
import { strategyName } from './strategy-name.ts';

/** What Linux does, axis by axis: the part of an axis that an expression does not name. */
export const STATUS_QUO: Readonly<Record<Axis, string>> = {
  placement: 'task-policy',
  accounting: 'page-cache',
  migration: 'unmovable',
};

/** The plan of an expression, or what is wrong with it and what would be right. */
export type ParsedStrategy = { plan: StrategyPlan } | { problem: string };

type Planned = StrategyPlan['parts'];

/**
 * Reads a strategy expression: the name of a strategy or of a part (`page-cache`, `tracker{oom=true}`), or parts of different
 * axes joined by `+` (`fbind+tracker{oom=true}+gmem-callback`). A single name is a strategy if there is one, else a part; with
 * `+`, names mean parts. Axes that nobody names are as in the status quo. The plan's name is the same for all ways to write it.
 */
export function parseStrategy(expression: string, catalogue: Catalogue): ParsedStrategy {
  try {
    const terms = parseTerms(expression);
    const preset =
      terms.length === 1 ? catalogue.presets.find(({ name }) => name === terms[0]!.name) : undefined;
    const parts = preset ? plannedPreset(preset, terms[0]!, catalogue) : plannedParts(terms, catalogue);
    const presets = catalogue.presets.map((known) => ({
      preset: known,
      parts: plannedParts(parseTerms(known.expression), catalogue),
    }));
    return { plan: { ...strategyName(parts, presets), parts } };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { problem: `strategy "${expression}": ${error.message}` };
  }
}

function plannedPreset(preset: Preset, term: Term, catalogue: Catalogue): Planned {
  let parts = plannedParts(parseTerms(preset.expression), catalogue);
  for (const option of term.options) {
    const owner = presetOptionOwner(preset, parts, option.key);
    if (!owner) throw unknownOption(option.key, preset.name, parts);
    const set = { [option.key]: valueOf(owner.part, option) };
    parts = parts.map((planned) =>
      planned === owner ? { ...planned, options: { ...planned.options, ...set } } : planned,
    ) as unknown as Planned;
  }
  return parts;
}

function plannedParts(terms: readonly Term[], catalogue: Catalogue): Planned {
  const named = new Map<Axis, PlannedPart>();
  for (const term of terms) {
    const part = findPart(term.name, catalogue, terms.length > 1);
    const other = named.get(part.meta.axis);
    if (other) {
      throw new ExpressionError(
        `${other.part.meta.id} and ${part.meta.id} are both ${part.meta.axis} parts; name one of an axis`,
      );
    }
    named.set(part.meta.axis, planned(part, term.options));
  }
  return AXES.map(
    (axis) => named.get(axis) ?? planned(findPart(STATUS_QUO[axis], catalogue, true), []),
  ) as unknown as Planned;
}

function findPart(name: string, { parts, presets }: Catalogue, onlyParts: boolean): Part {
  const part = parts.find(({ meta }) => meta.id === name);
  if (part) return part;
  const preset = presets.find((known) => known.name === name);
  if (preset) {
    throw new ExpressionError(
      `"${name}" is a whole strategy, which + can't join; its parts are ${preset.expression}`,
    );
  }
  const strategies = onlyParts ? [] : presets.map((known) => known.name);
  const near = didYouMean(name, [...strategies, ...parts.map(({ meta }) => meta.id)]);
  const what = onlyParts ? 'part' : 'strategy or part';
  const choices = AXES.map(
    (axis) =>
      `${axis}: ${parts
        .filter(({ meta }) => meta.axis === axis)
        .map(({ meta }) => meta.id)
        .join(', ')}`,
  );
  if (!onlyParts) choices.unshift(`strategies: ${strategies.join(', ')}`);
  throw new ExpressionError(`no ${what} is called "${name}"${near} (${choices.join('; ')})`);
}

function planned(part: Part, written: Term['options']): PlannedPart {
  const defaults = Object.entries(part.meta.options).map(([key, spec]) => [key, spec.default] as const);
  const set = written.map((option) => [option.key, valueOf(part, option)] as const);
  return { part, options: Object.fromEntries([...defaults, ...set]) };
}

function valueOf(part: Part, { key, text }: Term['options'][number]): OptionValue {
  if (!Object.hasOwn(part.meta.options, key)) throw unknownOption(key, part.meta.id, [{ part }]);
  const spec = part.meta.options[key]!;
  const value = readOption(spec, text);
  if (value === undefined) {
    throw new ExpressionError(
      `option "${key}" of ${part.meta.id} is "${text}", must be ${optionChoices(spec)}`,
    );
  }
  return value;
}

function unknownOption(key: string, name: string, parts: readonly { part: Part }[]): ExpressionError {
  const owners = parts.filter(({ part }) => Object.hasOwn(part.meta.options, key));
  if (owners.length > 1) {
    const ids = owners.map(({ part }) => part.meta.id);
    return new ExpressionError(
      `option "${key}" of ${name} may mean ${ids.join(' or ')}; write the parts, joined by +`,
    );
  }
  const keys = parts.flatMap(({ part }) => Object.keys(part.meta.options));
  const choices = keys.length === 0 ? `${name} has no options` : `options: ${keys.join(', ')}`;
  return new ExpressionError(`${name} has no option "${key}"${didYouMean(key, keys)} (${choices})`);
}
