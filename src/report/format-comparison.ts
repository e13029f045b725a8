import { comparisonMd } from './comparison-md.ts';
import { comparisonTable, type TableOptions } from './comparison-table.ts';
import type { Comparison } from './comparison-types.ts';
import { comparisonCsv } from './csv.ts';
import { scorecardMd, scorecardText } from './scorecard-text.ts';

export type ComparisonFormat = 'table' | 'json' | 'csv' | 'md';

/** Formats of the comparison, for help and messages. */
export const COMPARISON_FORMATS: readonly ComparisonFormat[] = ['table', 'json', 'csv', 'md'];

const WRITERS: Readonly<Record<ComparisonFormat, (comparison: Comparison, options: TableOptions) => string>> =
  {
    table: comparisonTable,
    json: (comparison) => `${JSON.stringify(comparison, null, 2)}\n`,
    csv: (comparison) => comparisonCsv(comparison),
    md: comparisonMd,
  };

/**
 * The comparison as text. json and csv hold every field, node by node, in exact kB; the others are for reading, and
 * have the scorecard below when it is asked for; json always has it, with all consequences.
 */
export function formatComparison(
  comparison: Comparison,
  format: ComparisonFormat,
  options: TableOptions & { scorecard?: boolean | undefined } = {},
): string {
  const text = WRITERS[format](comparison, options);
  if (!options.scorecard) return text;
  const { scorecard } = comparison.consequences;
  if (format === 'table') return `${text}\n${scorecardText(scorecard)}`;
  return format === 'md' ? `${text}\n## Scorecard\n\n${scorecardMd(scorecard)}` : text;
}
