import type { AttributionRow } from '../analysis/types.ts';

/** What a baseline remembers of one row: exact kB. */
export interface BaselineValue {
  reportedKb: number | null;
  truthKb: number;
}

/** A row's key: strategy, snapshot, interface, subject, node (`total` for the total). */
export type BaselineKey = readonly [
  strategy: string,
  snapshot: string,
  interfaceId: string,
  subject: string,
  node: string,
];

export interface BaselineEntry {
  key: BaselineKey;
  value: BaselineValue;
}

/** A line that can't be read. */
export interface BaselineProblem {
  /** 1-based. */
  line: number;
  message: string;
}

const COLUMNS = 'strategy snapshot interface subject node reported truth'.split(' ');
const HEADER = [
  '# gmemlab baseline 1',
  '# Whole kB, one row per line, sorted; reported is - where nothing is reported. Columns, separated by tabs:',
  `# ${COLUMNS.join('\t')}`,
];
const NONE = '-';

/** The baseline of some rows: a header, then a sorted line per row. Bytes depend on the rows' values only, not on their order. */
export function baselineText(rows: readonly AttributionRow[]): string {
  const lines = baselineEntries(rows).map(({ key, value }) =>
    [...key.map(writeName), value.reportedKb ?? NONE, value.truthKb].join('\t'),
  );
  return [...HEADER, ...lines].map((line) => `${line}\n`).join('');
}

/**
 * Rows as entries, sorted by key. A label that comes back at a later snapshot is `label~2`, so that steps may be renumbered.
 * Throws when two rows have one key.
 */
export function baselineEntries(rows: readonly AttributionRow[]): BaselineEntry[] {
  const steps = new Map<string, number[]>();
  const stepsOf = ({ strategy, snapshot }: AttributionRow): number[] => {
    const id = JSON.stringify([strategy, snapshot]);
    const known = steps.get(id) ?? [];
    steps.set(id, known);
    return known;
  };
  for (const row of rows) {
    const known = stepsOf(row);
    if (!known.includes(row.step)) known.push(row.step);
  }
  for (const known of steps.values()) known.sort((a, b) => a - b);
  const entries = rows.map((row): BaselineEntry => {
    const { strategy, snapshot, subject, node, reportedKb, truthKb } = row;
    const nth = stepsOf(row).indexOf(row.step) + 1;
    const label = nth > 1 ? `${snapshot}~${nth}` : snapshot;
    return {
      key: [strategy, label, row.interface, subject, node === null ? 'total' : String(node)],
      value: { reportedKb, truthKb },
    };
  });
  entries.sort((a, b) => compareKeys(a.key, b.key));
  entries.forEach(({ key }, at) => {
    const next = entries[at + 1];
    if (next && compareKeys(key, next.key) === 0) throw new Error(`two rows for ${key.join(' ')}`);
  });
  return entries;
}

/** Order of lines: field by field by code unit, nodes by number after the total. */
export function compareKeys(a: BaselineKey, b: BaselineKey): number {
  for (const at of [0, 1, 2, 3] as const) {
    if (a[at] !== b[at]) return a[at] < b[at] ? -1 : 1;
  }
  return (a[4] === 'total' ? -1 : Number(a[4])) - (b[4] === 'total' ? -1 : Number(b[4]));
}

/** Reads a baseline. Every bad line is reported, and then the entries of the good ones are not to be compared. */
export function parseBaseline(text: string): { entries: BaselineEntry[]; problems: BaselineProblem[] } {
  const entries: BaselineEntry[] = [];
  const problems: BaselineProblem[] = [];
  const seen = new Map<string, number>();
  const lines = text.split(/\r?\n/);
  if (lines[0] !== HEADER[0]) problems.push({ line: 1, message: `expected "${HEADER[0]}"` });
  lines.forEach((content, at) => {
    if (content === '' || content.startsWith('#')) return;
    const line = at + 1;
    const entry = readLine(content);
    if (typeof entry === 'string') {
      problems.push({ line, message: entry });
      return;
    }
    const id = JSON.stringify(entry.key);
    const before = seen.get(id);
    if (before !== undefined) problems.push({ line, message: `the same row as in line ${before}` });
    else entries.push(entry);
    seen.set(id, before ?? line);
  });
  return { entries, problems };
}

/** An entry, or what is wrong with the line. */
function readLine(content: string): BaselineEntry | string {
  const fields = content.split('\t');
  if (fields.length !== COLUMNS.length) {
    return `${fields.length} fields, expected ${COLUMNS.length} separated by tabs: ${COLUMNS.join(', ')}`;
  }
  const [strategy, snapshot, interfaceId, subject, node, reported, truth] = fields as unknown as Fields;
  const names = [strategy, snapshot, interfaceId, subject] as const;
  const broken = names.find((name) => !ESCAPED.test(name));
  if (broken !== undefined) return `"${broken}" has a backslash that escapes nothing`;
  if (!/^(?:total|\d+)$/.test(node)) return `node is "${node}", expected total or a node number`;
  if (!/^(?:-|-?\d+)$/.test(reported)) return `reported is "${reported}", expected whole kB or -`;
  if (!/^\d+$/.test(truth)) return `truth is "${truth}", expected whole kB`;
  return {
    key: [...(names.map(readName) as unknown as [string, string, string, string]), node],
    value: { reportedKb: reported === NONE ? null : Number(reported), truthKb: Number(truth) },
  };
}

type Fields = readonly [string, string, string, string, string, string, string];

/** Keeps tabs and line ends out of names, and `#` from opening a comment. */
const ESCAPES: Readonly<Record<string, string>> = { '\t': 't', '\n': 'n', '\r': 'r', '\\': '\\', '#': '#' };
const UNESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r' };
const ESCAPED = /^(?:[^\\]|\\[tnr\\#])*$/;

const writeName = (name: string): string =>
  name.replace(/[\t\n\r\\]|^#/g, (character) => `\\${ESCAPES[character]}`);

const readName = (text: string): string =>
  text.replace(/\\(.)/g, (_, letter: string) => UNESCAPES[letter] ?? letter);
