import type { FieldClassName } from './field-class.ts';
import { noiseFor, type NoiseContext } from './noise.ts';
import type { Tally } from './tally.ts';

/** Numbers by name at a snapshot and at the one before; null where there is no file. */
export interface Change {
  now: ReadonlyMap<string, number> | null;
  before: ReadonlyMap<string, number> | null;
}

/** A file of counters on both sides. */
export interface CountersComparison {
  fieldClass: FieldClassName;
  /** Behind a number, e.g. ` kB`; empty for plain numbers. */
  unit: string;
  kernel: Change;
  model: Change;
  context: NoiseContext;
  /** Name under which noise classes know a field; default: the field. */
  nameOf?: (field: string) => string;
}

/**
 * Compares how far each number moved since the snapshot before, for every field that the kernel prints. A field without a
 * number before counts from zero.
 */
export function compareCounters(tally: Tally, comparison: CountersComparison): void {
  const { fieldClass, kernel, model, context, nameOf = (field: string) => field } = comparison;
  for (const field of kernel.now?.keys() ?? []) {
    const name = nameOf(field);
    const expected = moved(kernel, field);
    const given = moved(model, field);
    const { bound, ids } = noiseFor(fieldClass, name, context);
    const compared = {
      fieldClass,
      field,
      name,
      kernel: words(comparison, field, expected),
      model: words(comparison, field, given),
      isIdle: Math.abs(expected?.by ?? 0) <= bound,
    };
    if (!expected || !given) tally.add(compared, 'off');
    else if (expected.by === given.by) tally.add(compared, 'exact');
    else tally.add(compared, Math.abs(expected.by - given.by) <= bound ? ids : 'off');
  }
}

interface Moved {
  value: number;
  by: number;
}

function moved({ now, before }: Change, field: string): Moved | null {
  const value = now?.get(field);
  return value === undefined ? null : { value, by: value - (before?.get(field) ?? 0) };
}

function words({ unit }: CountersComparison, field: string, change: Moved | null): string | null {
  if (!change) return null;
  const { value, by } = change;
  return `${field}: ${value}${unit} (${by < 0 ? '' : '+'}${by})`;
}
