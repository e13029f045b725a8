import { answersOf, type Answer } from '../analysis/answers.ts';
import { mainSubject } from '../analysis/subject.ts';
import type { FieldClass } from '../result/types.ts';
import { VEGA_LITE_SCHEMA, type ChartInput, type ChartSpec } from './chart-types.ts';
import { errorText, sizeText } from './size-text.ts';
import { labelLine, strategyWords } from './strategy-words.ts';
import { PALETTE, themeConfig, type Palette } from './theme.ts';

/** Columns, in the order of reading; those that no row speaks of are left out. */
const COLUMNS: readonly { id: string; words: string }[] = [
  { id: 'rss', words: 'VmRSS' },
  { id: 'smaps-rss', words: 'smaps Rss' },
  { id: 'pss', words: 'smaps Pss' },
  { id: 'numa_maps', words: 'numa_maps' },
  { id: 'numastat-p', words: 'numastat -p' },
  { id: 'oom-badness', words: 'OOM badness' },
  { id: 'memory.current', words: 'memory.current' },
  { id: 'memory.stat-total', words: 'memory.stat' },
  { id: 'memory.numa_stat', words: 'memory.numa_stat' },
  { id: 'node-FilePages', words: 'node FilePages' },
  { id: 'node-MemUsed', words: 'node MemUsed' },
  { id: 'tracker', words: 'tracker' },
];
const GROUPS: Readonly<Record<FieldClass, string>> = {
  accounting: 'limits and kills depend on it',
  stat: 'people look at it',
};

/** Marks cells whose total is right while nodes are not. */
const MISPLACED = '\u2260';

/** Strategies by interfaces: how far each interface is from the truth, as a colour and in words. */
export function errorHeatmap({ result, rows }: ChartInput): ChartSpec {
  const colour = PALETTE;
  const subject = mainSubject(result);
  const answer = answersOf(rows);
  const columns = COLUMNS.flatMap((column) => {
    const found = rows.find((row) => row.interface === column.id);
    return found ? [{ ...column, group: GROUPS[found.fieldClass] }] : [];
  });
  const cells = result.strategies.flatMap((run) => {
    const snapshot = subject ? run.snapshots[subject.index] : undefined;
    return columns.map((column) => {
      const said = snapshot && subject ? answer(run.name, snapshot, column.id, subject) : null;
      return {
        strategy: run.name,
        row: strategyWords(run, 34).replace(/\n(?=\()/, ' '),
        column: column.words,
        group: column.group,
        share: said ? share(said) : null,
        text: said ? words(said) : 'n/a',
      };
    });
  });
  const misplaced = cells.some((cell) => cell.text.startsWith(MISPLACED))
    ? `; ${MISPLACED}: right in total, on the wrong node`
    : '';
  const groups = [GROUPS.stat, GROUPS.accounting].filter((group) =>
    columns.some((one) => one.group === group),
  );
  const rowNames = [...new Set(cells.map((cell) => cell.row))];
  const lines = Math.max(1, ...rowNames.map((name) => name.split('\n').length));
  const who = subject?.worker ?? 'the process';
  const title = 'How far each interface is from the truth';
  const description =
    `A table of ${result.strategies.length} strategies by ${columns.length} interfaces: reported minus true memory of ` +
    `${who}, its cgroup or the nodes, at snapshot ${subject?.snapshot ?? 'none'}.`;
  const y = {
    field: 'row',
    type: 'nominal',
    sort: rowNames,
    title: null,
    axis: { labelExpr: "split(datum.value, '\\n')", labelLimit: 320 },
  };
  return {
    name: 'error-heatmap',
    title,
    description,
    spec: {
      $schema: VEGA_LITE_SCHEMA,
      description,
      title: {
        text: title,
        subtitle: [
          subject
            ? `Reported minus true, for ${who}, its cgroup ${subject.cgroup} and all nodes, at snapshot “${subject.snapshot}” (step ${subject.step})`
            : 'No process was seen in any snapshot',
          `blue: memory unseen; orange: counted too much; n/a: no answer${misplaced}`,
          labelLine(result.strategies),
        ],
      },
      config: themeConfig(),
      data: { values: cells },
      hconcat: groups.map((group, at) => ({
        transform: [{ filter: { field: 'group', equal: group } }],
        width: { step: 92 },
        height: { step: Math.max(40, lines * 18 + 10) },
        encoding: {
          x: {
            field: 'column',
            type: 'nominal',
            sort: columns.map((column) => column.words),
            title: null,
            axis: { orient: 'top', labelAngle: -30, labelAlign: 'left', domain: false, ticks: false },
          },
          y: { ...y, axis: at === 0 ? y.axis : null },
        },
        layer: [...cellLayers(colour), groupTitle(group, columns)],
      })),
      spacing: 18,
    },
    table: {
      header: ['Strategy', ...columns.map((column) => column.words)],
      rows: result.strategies.map((run) => [
        run.name,
        ...cells.filter((cell) => cell.strategy === run.name).map((cell) => cell.text),
      ]),
    },
  };
}

/** Group names stand above the slanted column labels, all at one height (view titles would follow each group's longest label). */
function groupTitle(group: string, columns: readonly { words: string }[]): object {
  const longest = Math.max(0, ...columns.map((column) => column.words.length));
  return {
    data: { values: [{}] },
    mark: { type: 'text', align: 'left', baseline: 'bottom', fontWeight: 600, clip: false },
    encoding: {
      x: { value: 0 },
      y: { value: -Math.round(longest * 3.7 + 26) },
      text: { value: group },
    },
  };
}

function cellLayers(colour: Palette): object[] {
  return [
    {
      mark: { type: 'rect', invalid: null, stroke: colour.paper, strokeWidth: 3, cornerRadius: 4 },
      encoding: {
        color: {
          condition: { test: '!isValid(datum.share)', value: colour.noAnswer },
          field: 'share',
          type: 'quantitative',
          scale: { domain: [-1, 1], domainMid: 0, range: [...colour.diverging], clamp: true },
          legend: {
            title: 'Error / truth',
            orient: 'bottom',
            gradientLength: 260,
            gradientThickness: 14,
            values: [-1, 0, 1],
            labelExpr: "datum.value < 0 ? '\u2212100%' : datum.value > 0 ? '+100% or more' : 'exact'",
          },
        },
      },
    },
    {
      mark: {
        type: 'text',
        fontWeight: 600,
        fontSize: 13,
        color: {
          expr:
            `!isValid(datum.share) ? '${colour.ink}' : contrast('#ffffff', scale('color', datum.share)) > ` +
            `contrast('#000000', scale('color', datum.share)) ? '#ffffff' : '#000000'`,
        },
      },
      encoding: { text: { field: 'text' } },
    },
  ];
}

/** Error as a share of the truth, at most 1 either way; memory on the wrong node counts as unseen. */
function share({ errorKb, truthKb, misplacedKb }: Answer): number | null {
  if (errorKb === null) return null;
  const error = errorKb === 0 ? -misplacedKb : errorKb;
  if (error === 0) return 0;
  return truthKb === 0 ? Math.sign(error) : Math.max(-1, Math.min(1, error / truthKb));
}

function words({ errorKb, misplacedKb }: Answer): string {
  if (errorKb === null) return 'n/a';
  return errorKb === 0 && misplacedKb > 0 ? `${MISPLACED} ${sizeText(misplacedKb)}` : errorText(errorKb);
}
