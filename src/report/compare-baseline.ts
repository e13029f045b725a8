import type { AttributionRow } from '../analysis/types.ts';
import { errorText } from '../charts/size-text.ts';
import {
  baselineEntries,
  compareKeys,
  parseBaseline,
  type BaselineEntry,
  type BaselineKey,
  type BaselineProblem,
  type BaselineValue,
} from './baseline.ts';

/** How rows differ from a baseline. */
export interface BaselineDiff {
  changed: { key: BaselineKey; before: BaselineValue; after: BaselineValue }[];
  /** In the baseline only. */
  missing: BaselineEntry[];
  /** In the rows only. */
  added: BaselineEntry[];
  /** Rows that are as the baseline says. */
  sameCount: number;
  /** Lines of the baseline that can't be read; nothing was compared then. */
  problems: BaselineProblem[];
}

/** Compares rows with the text of a baseline, exactly. */
export function compareBaseline(oldText: string, rows: readonly AttributionRow[]): BaselineDiff {
  const { entries, problems } = parseBaseline(oldText);
  const diff: BaselineDiff = { changed: [], missing: [], added: [], sameCount: 0, problems };
  if (problems.length > 0) return diff;
  const after = new Map(baselineEntries(rows).map((entry) => [JSON.stringify(entry.key), entry]));
  for (const before of entries.sort((a, b) => compareKeys(a.key, b.key))) {
    const id = JSON.stringify(before.key);
    const now = after.get(id);
    after.delete(id);
    if (!now) diff.missing.push(before);
    else if (isSame(before.value, now.value)) diff.sameCount++;
    else diff.changed.push({ key: before.key, before: before.value, after: now.value });
  }
  diff.added = [...after.values()];
  return diff;
}

const isSame = (a: BaselineValue, b: BaselineValue): boolean =>
  a.reportedKb === b.reportedKb && a.truthKb === b.truthKb;

/** Whether anything differs from the baseline. */
export const hasChanged = ({ changed, missing, added }: BaselineDiff): boolean =>
  changed.length + missing.length + added.length > 0;

/**
 * The difference for people: a line per row that changed, vanished or is new, and a count; or the lines of the baseline that
 * can't be read, as `FILE:LINE:COLUMN: message`.
 */
export function formatBaselineDiff(diff: BaselineDiff, file = 'baseline'): string {
  const { changed, missing, added, sameCount, problems } = diff;
  if (problems.length > 0) {
    return problems.map(({ line, message }) => `${file}:${line}:1: ${message}\n`).join('');
  }
  const lines = [
    ...changed.map(({ key, before, after }) => {
      const parts = [
        ...changeWords('reported', before.reportedKb, after.reportedKb),
        ...changeWords('truth', before.truthKb, after.truthKb),
      ];
      return `changed  ${keyWords(key)}: ${parts.join('; ')}`;
    }),
    ...missing.map(({ key, value }) => `missing  ${keyWords(key)}: was ${valueWords(value)}`),
    ...added.map(({ key, value }) => `added    ${keyWords(key)}: ${valueWords(value)}`),
    `${changed.length} changed, ${missing.length} missing, ${added.length} added, ${sameCount} as in the baseline`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const keyWords = ([strategy, snapshot, interfaceId, subject, node]: BaselineKey): string =>
  `${strategy} ${snapshot} ${interfaceId} ${subject} ${node === 'total' ? node : `N${node}`}`;

const kbWords = (kb: number | null): string => (kb === null ? 'no answer' : `${kb} kB`);

const valueWords = ({ reportedKb, truthKb }: BaselineValue): string =>
  `${kbWords(reportedKb)}, truth ${kbWords(truthKb)}`;

function changeWords(name: string, before: number | null, after: number | null): string[] {
  if (before === after) return [];
  const by =
    before === null || after === null ? '' : ` (${errorText(after - before).replace('\u2212', '-')})`;
  return [`${name} ${kbWords(before)} -> ${kbWords(after)}${by}`];
}
