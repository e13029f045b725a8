import { errorText, sizeText } from '../charts/size-text.ts';
import type { ComparedCell, ComparedField, ComparedStrategy, Comparison } from './comparison-types.ts';
import {
  fieldGroups,
  fieldWords,
  momentWords,
  headWords,
  stopWords,
  verdictNotes,
} from './comparison-words.ts';
import { escapeMd, tableMd } from './md-text.ts';

/** The comparison as Markdown tables: a table per subject, a row per field, a column per strategy. */
export function comparisonMd(comparison: Comparison, options: { nodes?: boolean | undefined } = {}): string {
  const { strategies, reference } = comparison;
  const header = ['', 'class', ...strategies.map((strategy) => escapeMd(headWords(strategy)))];
  const tables = fieldGroups(comparison, { nodes: options.nodes ?? false }).map(({ heading, fields }) => {
    const rows = fields.flatMap((field) => [
      [words(field), field.fieldClass, ...field.cells.map((cell, at) => cellWords(cell, strategies[at]!))],
      ...(reference !== null && field.cells.some((cell) => cell.differenceKb)
        ? [[`against ${escapeMd(reference)}`, '', ...field.cells.map(differenceWords)]]
        : []),
    ]);
    return `**${escapeMd(heading)}**\n\n${tableMd(header, rows)}`;
  });
  const stops = strategies.map(stopWords).filter((text) => text !== null);
  const list = stops.map((text) => `- ${escapeMd(text)}\n`).join('');
  return [`${escapeMd(momentWords(comparison))}\n`, ...tables, ...(list === '' ? [] : [list])].join('\n');
}

const words = (field: ComparedField): string =>
  field.node === null ? escapeMd(fieldWords(field)) : `– ${fieldWords(field)}`;

function cellWords(cell: ComparedCell, strategy: ComparedStrategy): string {
  const value = cell.text === null ? cell.kb : escapeMd(cell.text);
  if (value === null) return '–';
  const notes = [...verdictNotes(cell), ...(cell.label === strategy.label ? [] : [cell.label])];
  const words = typeof value === 'number' ? sizeText(value) : value;
  return `${words}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}

const differenceWords = ({ differenceKb }: ComparedCell): string =>
  differenceKb === null ? '–' : differenceKb === 0 ? '=' : errorText(differenceKb);
