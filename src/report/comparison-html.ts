import { errorText, sizeText } from '../charts/size-text.ts';
import type { ComparedCell, ComparedStrategy, Comparison } from './comparison-types.ts';
import {
  fieldGroups,
  fieldWords,
  headWords,
  momentWords,
  verdict,
  verdictNotes,
} from './comparison-words.ts';
import type { ReportCell, ReportTable } from './html-table.ts';

/** The comparison as tables of the HTML report, one per subject. */
export function comparisonTables(comparison: Comparison): ReportTable[] {
  const { strategies } = comparison;
  return fieldGroups(comparison, { nodes: false }).map(({ heading, fields }) => ({
    title: heading,
    note: momentWords(comparison),
    header: ['Field', 'Class', ...strategies.map(headWords)],
    rows: fields.map((field) => [
      fieldWords(field),
      field.fieldClass,
      ...field.cells.map((cell, at) => htmlCell(cell, strategies[at]!)),
    ]),
  }));
}

function htmlCell(cell: ComparedCell, strategy: ComparedStrategy): ReportCell {
  if (cell.text === null && cell.kb === null) return 'no answer';
  const judged = verdict(cell);
  const notes = [
    ...verdictNotes(cell),
    ...(cell.differenceKb ? [`${errorText(cell.differenceKb)} against the reference`] : []),
    ...(cell.label === strategy.label ? [] : [cell.label]),
  ];
  return {
    text: cell.text ?? sizeText(cell.kb ?? 0),
    note: notes.length > 0 ? notes.join('; ') : undefined,
    tone: judged === null ? undefined : judged === 'right' ? 'good' : 'bad',
  };
}
