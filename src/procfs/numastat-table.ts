import { badLine, matchLine, ProcTextError, readNumber, splitLines, type ProcLine } from './proc-text.ts';

/** One table of numastat: MiB. */
export interface NumastatTable {
  /** First line, e.g. `Per-node numastat info (in MBs):`. */
  title: string;
  /** Tokens that the tool complains about before the table. */
  unknownTokens: string[];
  /** Label over the first column: `PID` when each row is a process, else empty. */
  corner: string;
  /** Width of the first column, gutter included. */
  labelWidth: number;
  /** `Node 0` … `Total`. */
  columns: string[];
  rows: { label: string; values: number[] }[];
  /** Last row, below a rule; process tables have one. */
  total: number[] | null;
}

const CELL = 16;
const RULE = '-'.repeat(CELL - 1);

/** C's `%.2f`: JavaScript rounds an exact tie up, C to the even digit; ties are odd eighths. */
export function fixed2(value: number): string {
  const eighths = value * 8;
  if (!Number.isInteger(eighths) || eighths % 2 === 0) return value.toFixed(2);
  const below = Math.floor(value * 100);
  return ((below % 2 === 0 ? below : below + 1) / 100).toFixed(2);
}

/** Prints one table as numastat does when its output is no terminal: no line folding. */
export function renderNumastatTable(table: NumastatTable): string {
  const line = (label: string, cells: readonly string[]): string =>
    `${label.slice(0, table.labelWidth).padEnd(table.labelWidth)}${cells.map((cell) => cell.padStart(CELL)).join('')}\n`;
  const rules = table.columns.map(() => RULE);
  const labelRule = '-'.repeat(table.labelWidth - 1);
  let text = `\n${table.title}\n`;
  for (const token of table.unknownTokens) text += `Token ${token} not in hash table.\n`;
  text += line(table.corner, table.columns) + line(table.corner === '' ? '' : labelRule, rules);
  for (const row of table.rows) text += line(row.label, row.values.map(fixed2));
  if (table.total) text += line(labelRule, rules) + line('Total', table.total.map(fixed2));
  return text;
}

function readCells(line: ProcLine, labelWidth: number): number[] {
  const cells = line.text.slice(labelWidth).trim().split(/ +/);
  return cells.map((cell) => {
    const [whole, cents] = cell.split('.');
    if (cents?.length !== 2) throw badLine(line, `"${cell}" is no number of MBs`);
    return (readNumber(line, whole) * 100 + readNumber(line, cents)) / 100;
  });
}

function parseTable(lines: readonly ProcLine[]): NumastatTable {
  const title = lines[0]!;
  const unknownTokens: string[] = [];
  let at = 1;
  for (; lines[at]?.text.startsWith('Token '); at++) {
    unknownTokens.push(
      matchLine(lines[at]!, /^Token (\S+) not in hash table\.$/, '"Token X not in hash table."')[1]!,
    );
  }
  const header = lines[at];
  if (!header) throw badLine(title, 'no table follows');
  const [, corner, heads] = matchLine(header, /^(PID)?((?: +(?:Node \d+|Total))+)$/, 'column headers');
  const columns = heads!.trim().split(/ {2,}/);
  const labelWidth = header.text.length - CELL * columns.length;
  const table: NumastatTable = {
    title: title.text,
    unknownTokens,
    corner: corner!,
    labelWidth,
    columns,
    rows: [],
    total: null,
  };
  let isTotal = false;
  for (const line of lines.slice(at + 2)) {
    if (line.text.startsWith('-')) {
      isTotal = true;
      continue;
    }
    const values = readCells(line, labelWidth);
    if (values.length !== columns.length) throw badLine(line, `expected ${columns.length} values`);
    if (isTotal) table.total = values;
    else table.rows.push({ label: line.text.slice(0, labelWidth).trimEnd(), values });
  }
  return table;
}

/** Prints the tables one after the other, as one call of numastat with several options does. */
export function renderNumastatTables(tables: readonly NumastatTable[]): string {
  return tables.map(renderNumastatTable).join('');
}

/** Reads what numastat -n, -m, -p or a combination of them printed. */
export function parseNumastatTables(text: string): NumastatTable[] {
  const tables: ProcLine[][] = [];
  for (const line of splitLines('numastat', text)) {
    if (line.text === '') tables.push([]);
    else if (tables.length === 0) throw badLine(line, 'expected an empty line first');
    else tables.at(-1)!.push(line);
  }
  if (tables.some((lines) => lines.length === 0))
    throw new ProcTextError('numastat', 0, '', 'an empty line without a table');
  return tables.map(parseTable);
}
