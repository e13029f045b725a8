import type { Part } from './contract.ts';
import type { Preset } from './plan.ts';

/**
 * The part of a strategy that an option written behind the strategy's name means: the part of the same name where that has such
 * an option, else the only part that has; undefined when there is none or no telling.
 */
export function presetOptionOwner<P extends { part: Part }>(
  preset: Preset,
  parts: readonly P[],
  key: string,
): P | undefined {
  const owners = parts.filter(({ part }) => Object.hasOwn(part.meta.options, key));
  const namesake = owners.find(({ part }) => part.meta.id === preset.name);
  return namesake ?? (owners.length === 1 ? owners[0] : undefined);
}
