import { CLASS_WORDS, LABELS, LABEL_WORDS } from '../analysis/labels.ts';
import { sizeText } from '../charts/size-text.ts';
import { nameLines } from '../charts/strategy-words.ts';
import type { FieldLabel } from '../result/types.ts';
import type { ComparedCell, ComparedField, ComparedStrategy, Comparison } from './comparison-types.ts';
import {
  fieldGroups,
  fieldWords,
  momentWords,
  stopWords,
  verdict,
  type Verdict,
} from './comparison-words.ts';

export interface TableOptions {
  /** Columns of the terminal; strategies that don't fit beside the others go into a further block. Default 120. */
  width?: number | undefined;
  /** Every interface node by node, not only the truth. */
  nodes?: boolean | undefined;
  /** Whole kB instead of sizes in words. */
  exact?: boolean | undefined;
}

/** Strategy names are broken into lines of about this many characters. */
const NAME_WIDTH = 10;
const HEADS: Readonly<Record<FieldLabel, string>> = {
  verified: 'verified',
  derived: 'derived',
  hypothetical: 'hypoth.',
};
/** Behind a number that is less sure than its column. */
const SIGNS: Readonly<Record<FieldLabel, string>> = { verified: ' ', derived: '~', hypothetical: '?' };
const MARKS: Readonly<Record<Verdict, string>> = { low: '<', high: '>', misplaced: '!', right: '' };
const CLASSES: Readonly<Record<ComparedField['fieldClass'], string>> = {
  accounting: 'acct',
  stat: 'stat',
  truth: '',
};
const LEGEND: readonly string[] = [
  ...LABELS.map((label) => LABEL_WORDS[label].replace(label, HEADS[label])),
  'behind a number, when it is less sure than its column: ~ derived, ? hypothetical',
  'before a number, when it is off by more than 1% of the truth: < too low, > too high, ! on the wrong node; - no answer',
  `${CLASS_WORDS.accounting.replace('accounting', 'acct')}; ${CLASS_WORDS.stat}; neither: from the engine's own record`,
];

/** What stands on the left of a line, and one text per strategy; a heading has none. */
interface Line {
  left: string;
  cells: readonly string[];
}

/** The comparison for a terminal: plain text without colours, a line per field, a column per strategy. */
export function comparisonTable(comparison: Comparison, options: TableOptions = {}): string {
  const { scenario, strategies, fields } = comparison;
  const lines = bodyLines(comparison, options);
  const heads = strategies.map(headLines);
  const stops = strategies.map(stopWords).filter((words) => words !== null);
  const paragraphs = [
    [`${scenario.title} (Linux ${scenario.kernel})`, momentWords(comparison)],
    ...(fields.length > 0 ? [...blocks(heads, lines, options.width ?? 120), LEGEND] : []),
    stops,
  ];
  return paragraphs
    .filter((paragraph) => paragraph.length > 0)
    .map((paragraph) => paragraph.map((line) => `${line.trimEnd()}\n`).join(''))
    .join('\n');
}

function headLines(strategy: ComparedStrategy): string[] {
  const names = nameLines(strategy.name, NAME_WIDTH, /(?=[+{])|(?<=[,-])/);
  return [...names, ...(strategy.error ? ['stopped'] : []), HEADS[strategy.label]];
}

function bodyLines(comparison: Comparison, { nodes = false, exact = false }: TableOptions): Line[] {
  const { strategies, reference } = comparison;
  const size = (kb: number): string => (exact ? String(kb) : sizeText(kb).replace('\u2212', '-'));
  const text = (cell: ComparedCell, at: number): string => {
    const sign = cell.label === strategies[at]?.label ? ' ' : SIGNS[cell.label];
    if (cell.text !== null) return `${cell.text}${sign}`;
    if (cell.kb === null) return '- ';
    const judged = verdict(cell);
    return `${judged ? MARKS[judged] : ''}${size(cell.kb)}${sign}`;
  };
  const groups = fieldGroups(comparison, { nodes });
  const widest = Math.max(0, ...groups.flatMap(({ fields }) => fields.map((one) => fieldWords(one).length)));
  const line = (field: ComparedField): Line => {
    const words = field.node === null ? fieldWords(field) : `  ${fieldWords(field)}`;
    return { left: `  ${words.padEnd(widest)} ${CLASSES[field.fieldClass]}`, cells: field.cells.map(text) };
  };
  const difference = ({ cells }: ComparedField): Line[] => {
    if (!cells.some((cell) => cell.differenceKb)) return [];
    const words = cells.map(({ differenceKb: kb }) =>
      kb === null ? '- ' : kb === 0 ? '= ' : `${kb > 0 ? '+' : ''}${size(kb)} `,
    );
    return [{ left: `    against ${reference}`, cells: words }];
  };
  return groups.flatMap(({ heading, fields }) => [
    { left: heading, cells: [] },
    ...fields.flatMap((field) => [line(field), ...difference(field)]),
  ]);
}

/** Packs columns into blocks no wider than asked (a single column may be), each with the lines' left sides. */
function blocks(heads: readonly string[][], lines: readonly Line[], width: number): string[][] {
  const leftWidth = Math.max(...lines.map((line) => (line.cells.length > 0 ? line.left.length : 0)));
  const widths = heads.map((head, at) =>
    Math.max(...head.map((words) => words.length + 1), ...lines.map(({ cells }) => cells[at]?.length ?? 0)),
  );
  const packs: number[][] = [];
  let room = 0;
  widths.forEach((columns, at) => {
    if (packs.length === 0 || room < columns + 1) {
      packs.push([]);
      room = width - leftWidth;
    }
    packs.at(-1)!.push(at);
    room -= columns + 1;
  });
  return packs.map((pack) => {
    const row = (left: string, textOf: (at: number) => string): string =>
      left.padEnd(leftWidth) + pack.map((at) => ` ${textOf(at).padStart(widths[at]!)}`).join('');
    const height = Math.max(...pack.map((at) => heads[at]!.length));
    return [
      ...Array.from({ length: height }, (_, level) =>
        row('', (at) => `${heads[at]![level - height + heads[at]!.length] ?? ''} `),
      ),
      ...lines.map(({ left, cells }) => (cells.length > 0 ? row(left, (at) => cells[at]!) : left)),
    ];
  });
}
