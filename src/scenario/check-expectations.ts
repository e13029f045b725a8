import type { Expectation } from '../expect/expectation.ts';
import { parseExpected } from '../expect/expected-value.ts';
import { parseReading } from '../expect/parse-reading.ts';
import type { ReadingNames } from '../expect/reading.ts';
import type { Draft } from './draft.ts';
import type { Section } from './section.ts';
import type { ExpectationSource, ValueSource } from './source-types.ts';
import { hint } from './suggest.ts';

/** What expectations may speak of. */
export interface Expectable {
  names: ReadingNames;
  /** Labels in the order of the script; null when the script has problems. */
  snapshots: readonly string[] | null;
}

/** Word for whichever strategies run. */
const ALL = 'all';

/** Makes expectations of their tables, one per cell. Whether the strategies exist is for those to check who know them. */
export function checkExpectations(
  source: readonly (Draft<ExpectationSource> | undefined)[],
  expectable: Expectable,
  section: Section,
): Expectation[] {
  return source.flatMap((table, index) =>
    table ? readTable(table, ['expect', index], expectable, section) : [],
  );
}

function readTable(
  table: Draft<ExpectationSource>,
  path: (string | number)[],
  { names, snapshots }: Expectable,
  section: Section,
): Expectation[] {
  const labels = table.at === undefined ? [null] : [table.at].flat();
  const since = table.since ?? null;
  const about = [table.strategies ?? ALL].flat().filter((name) => name !== undefined);
  if (about.includes(ALL) && about.length > 1) {
    section.complain([...path, 'strategies'], 'reference', `"${ALL}" stands alone: it leaves nothing to add`);
  }
  const checkLabel = (label: string | null | undefined, where: (string | number)[]): void => {
    if (snapshots === null || label === null || label === undefined || snapshots.includes(label)) return;
    const known = snapshots.length === 0 ? 'the script takes none' : hint(label, snapshots);
    section.complain([...path, ...where], 'reference', `no snapshot "${label}": ${known}`);
  };
  labels.forEach((label, at) => checkLabel(label, Array.isArray(table.at) ? ['at', at] : ['at']));
  checkLabel(since, ['since']);
  if (since !== null && table.at === undefined) {
    section.complain([...path, 'since'], 'reference', 'a difference needs a snapshot at its end: at');
  }
  return Object.entries(table.values ?? {}).flatMap(([words, values]) => {
    const key = [...path, 'values', words];
    const parsed = parseReading(words, names);
    if ('problem' in parsed) {
      section.complain(key, 'reference', parsed.problem, 'key');
      return [];
    }
    const { unit } = parsed.reading;
    const reading = words.trim().replaceAll(/\s+/g, ' ');
    if (parsed.of === 'moment' && table.at === undefined) {
      section.complain(key, 'reference', 'this is read from a snapshot: at is missing', 'key');
    }
    if (parsed.of === 'run' && table.at !== undefined) {
      section.complain(key, 'reference', 'this is of the whole run: leave at out', 'key');
    }
    if (since !== null && (unit === 'name' || unit === 'errno')) {
      section.complain(key, 'reference', 'this is no number: it has no difference since a snapshot', 'key');
    }
    const cells: readonly (ValueSource | undefined)[] = Array.isArray(values)
      ? values
      : labels.map(() => values);
    if (cells.length !== labels.length) {
      const words = `${cells.length} values for ${labels.length} snapshots: one for each, or one for all`;
      section.complain(key, 'range', words);
    }
    return cells.flatMap((cell, at): Expectation[] => {
      if (cell === undefined) return [];
      const cellPath = Array.isArray(values) ? [...key, at] : key;
      const value = parseExpected(cell, unit);
      if (typeof value === 'string') {
        // One value for all snapshots is wrong once.
        if (Array.isArray(values) || at === 0) section.complain(cellPath, 'range', value);
        return [];
      }
      const { line, column } = section.place(cellPath);
      const strategies = about.includes(ALL) ? null : about;
      return [{ line, column, strategies, at: labels[at] ?? null, since, reading, value }];
    });
  });
}
