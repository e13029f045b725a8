import { presetOptionOwner } from './preset-option.ts';
import type { PlannedPart, Preset, StrategyPlan } from './plan.ts';

/** A named strategy with its expression worked out. */
export interface PlannedPreset {
  preset: Preset;
  parts: StrategyPlan['parts'];
}

/**
 * The one name of three parts with their options: that of the nearest named strategy that is made of the same parts, with the
 * options that differ from it; or the parts joined by `+`, with the options that differ from their defaults.
 */
export function strategyName(
  parts: StrategyPlan['parts'],
  presets: readonly PlannedPreset[],
): Pick<StrategyPlan, 'name' | 'title'> {
  let nearest: { preset: Preset; options: string[] } | null = null;
  for (const known of presets) {
    const options = optionsAgainst(parts, known);
    if (options && (!nearest || options.length < nearest.options.length)) {
      nearest = { preset: known.preset, options };
    }
  }
  if (nearest) return { name: nearest.preset.name + braced(nearest.options), title: nearest.preset.title };
  return {
    name: parts
      .map((planned) => planned.part.meta.id + braced(changes(planned, defaultsOf(planned))))
      .join('+'),
    title: parts.map(({ part }) => part.meta.title).join(' + '),
  };
}

/** What to write behind a strategy's name to get these parts; null when its name can't say it. */
function optionsAgainst(parts: StrategyPlan['parts'], known: PlannedPreset): string[] | null {
  if (!parts.every(({ part }, at) => part === known.parts[at]!.part)) return null;
  const options: string[] = [];
  for (const [at, planned] of parts.entries()) {
    const changed = changes(planned, known.parts[at]!.options);
    const isSayable = changed.every(
      (option) => presetOptionOwner(known.preset, parts, option.slice(0, option.indexOf('='))) === planned,
    );
    if (!isSayable) return null;
    options.push(...changed);
  }
  return options;
}

const defaultsOf = ({ part }: PlannedPart): PlannedPart['options'] =>
  Object.fromEntries(Object.entries(part.meta.options).map(([key, spec]) => [key, spec.default]));

const changes = ({ options }: PlannedPart, from: PlannedPart['options']): string[] =>
  Object.entries(options)
    .filter(([key, value]) => value !== from[key])
    .map(([key, value]) => `${key}=${value}`);

const braced = (options: readonly string[]): string => (options.length > 0 ? `{${options.join(',')}}` : '');
