import type { ConsequenceReport } from '../analysis/consequence-report.ts';
import { mainSubject } from '../analysis/subject.ts';
import type { RunResult } from '../result/types.ts';
import {
  deathTable,
  hazardTable,
  limitTable,
  metadataTable,
  moverTable,
  operationTable,
  payerTables,
  placementTable,
  poolTable,
  toolTable,
} from './consequence-tables.ts';
import type { ReportCell, ReportTable } from './html-table.ts';
import { escapeMd, tableMd } from './md-text.ts';
import { scorecardMd } from './scorecard-text.ts';
import { PLACEMENT_TITLE } from './verdict-words.ts';

/** What follows from the designs, as sections of summary.md: title and Markdown. */
export function consequencesMd(
  result: RunResult,
  report: ConsequenceReport,
): [title: string, body: string][] {
  const subject = mainSubject(result);
  const risks = hazardTable(report);
  const scorecard: [string, string] = ['Scorecard', scorecardMd(report.scorecard)];
  if (!subject) return [scorecard];
  const tables: [string, (ReportTable | null)[]][] = [
    ['Who pays for whom', [...payerTables(report, subject), limitTable(report)]],
    ['Who dies', [deathTable(report, subject)]],
    [PLACEMENT_TITLE, [placementTable(report, subject), moverTable(report)]],
    ['Memory in both pools', [poolTable(report)]],
    ['What it costs', [metadataTable(report, subject), operationTable(report)]],
    ['What tools make people believe', [toolTable(report, subject)]],
    ['Hazards', [risks]],
  ];
  return [
    scorecard,
    ...tables.flatMap(([title, some]): [string, string][] => {
      const there = some.filter((table) => table !== null);
      return there.length === 0 ? [] : [[title, there.map((table) => markdown(table, title)).join('\n')]];
    }),
  ];
}

function markdown({ title, header, rows }: ReportTable, section: string): string {
  const table = tableMd(
    header.map(escapeMd),
    rows.map((row) => row.map(cellWords)),
  );
  return title === section ? table : `**${escapeMd(title)}**\n\n${table}`;
}

function cellWords(cell: ReportCell, at: number): string {
  if (typeof cell === 'string') return escapeMd(cell);
  // The name of a row stands alone: what it means is said in the HTML report.
  const notes = at === 0 ? [] : [cell.note, cell.link?.text].filter((words) => words !== undefined);
  return escapeMd(notes.length > 0 ? `${cell.text} (${notes.join('; ')})` : cell.text);
}
