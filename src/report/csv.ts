import { stringify } from 'csv-stringify/sync';
import { weakestLabel } from '../analysis/labels.ts';
import { payers } from '../analysis/payers.ts';
import type { TimelineRow } from '../analysis/timeline.ts';
import type { AttributionRow } from '../analysis/types.ts';
import type { RunResult } from '../result/types.ts';
import type { Comparison } from './comparison-types.ts';

/** One line of a file; what has no value is empty. */
type CsvRecord = Readonly<Record<string, string | number | null>>;

/** Columns of attribution.csv. Sizes are whole kB; an empty node is the total, an empty size no answer. */
const ATTRIBUTION_COLUMNS: readonly string[] =
  'strategy snapshot step interface subject node truth_kb reported_kb error_kb class label note'.split(' ');
const TIMELINE_COLUMNS: readonly string[] = 'strategy snapshot step metric subject kb class label note'.split(
  ' ',
);
const PAYER_COLUMNS: readonly string[] = 'strategy snapshot step user payer kb private_kb label note'.split(
  ' ',
);
const COMPARISON_COLUMNS: readonly string[] =
  'strategy label scope subject field node class kb truth_kb error_kb misplaced_kb difference_kb note'.split(
    ' ',
  );

/** attribution.csv: a line per row, and one with `error` as its interface per strategy that stopped. */
export function attributionCsv(
  { strategies }: Pick<RunResult, 'strategies'>,
  rows: readonly AttributionRow[],
): string {
  return csv(ATTRIBUTION_COLUMNS, [
    ...rows.map((row) => ({
      strategy: row.strategy,
      snapshot: row.snapshot,
      step: row.step,
      interface: row.interface,
      subject: row.subject,
      node: row.node,
      truth_kb: row.truthKb,
      reported_kb: row.reportedKb,
      error_kb: row.errorKb,
      class: row.fieldClass,
      label: row.label,
    })),
    ...stops(strategies, 'interface'),
  ]);
}

/** timeline.csv: a line per number and snapshot, and one with `error` as its metric per strategy that stopped. */
export function timelineCsv(
  { strategies }: Pick<RunResult, 'strategies'>,
  rows: readonly TimelineRow[],
): string {
  return csv(TIMELINE_COLUMNS, [
    ...rows.map(({ fieldClass, ...row }) => ({ ...row, class: fieldClass })),
    ...stops(strategies, 'metric'),
  ]);
}

/** payers.csv: a line per snapshot, user and payer, and one with `error` as its user per strategy that stopped. */
export function payersCsv({ strategies }: Pick<RunResult, 'strategies'>): string {
  return csv(PAYER_COLUMNS, [
    ...strategies.flatMap(({ name, label, snapshots }) =>
      snapshots.flatMap((snapshot) =>
        payers(snapshot).map(({ user, payer, kb, privateKb }) => ({
          strategy: name,
          snapshot: snapshot.label,
          step: snapshot.step,
          user,
          payer,
          kb,
          private_kb: privateKb,
          label: weakestLabel(label, 'derived'),
        })),
      ),
    ),
    ...stops(strategies, 'user'),
  ]);
}

/** The comparison in long form: a line per field and strategy, and one with `error` as its field per strategy that stopped. */
export function comparisonCsv({ fields, strategies }: Comparison): string {
  return csv(COMPARISON_COLUMNS, [
    ...fields.flatMap(({ cells, field, scope, subject, node, fieldClass }) =>
      cells.map((cell) => ({
        strategy: cell.strategy,
        label: cell.label,
        scope,
        subject,
        field,
        node,
        class: fieldClass,
        kb: cell.kb,
        truth_kb: cell.truthKb,
        error_kb: cell.errorKb,
        misplaced_kb: cell.misplacedKb,
        difference_kb: cell.differenceKb,
        note: cell.text,
      })),
    ),
    ...stops(strategies, 'field'),
  ]);
}

function stops(
  strategies: readonly Pick<RunResult['strategies'][number], 'name' | 'label' | 'error'>[],
  column: string,
): CsvRecord[] {
  return strategies.flatMap(({ name, label, error }) =>
    error
      ? [
          {
            strategy: name,
            label,
            step: error.step,
            subject: error.part,
            [column]: 'error',
            note: `step ${error.step}, line ${error.line}: ${error.message}`,
          },
        ]
      : [],
  );
}

function csv(columns: readonly string[], records: readonly CsvRecord[]): string {
  return stringify([...records], { header: true, columns: [...columns] });
}
