import { answersOf, type AnswerOf } from '../analysis/answers.ts';
import { mainSubject, type Subject } from '../analysis/subject.ts';
import { processTruth, truthKb } from '../analysis/truth.ts';
import type { StrategyRun } from '../result/types.ts';
import { VEGA_LITE_SCHEMA, type ChartInput, type ChartSpec } from './chart-types.ts';
import { endWords } from './end-words.ts';
import { sizeText, sizeUnit } from './size-text.ts';
import { labelLine, strategyWords } from './strategy-words.ts';
import { PALETTE, themeConfig } from './theme.ts';

const WIDTH = 230;
const HEIGHT = 160;
/** Height of one line of words. */
const LINE = 17;
/** The axis ends a little above the largest value. */
const HEADROOM = 1.05;
/** Which interfaces stand for the cgroup: the first that the rows hold. */
const MEMCG = ['memory.stat-total', 'memory.current'] as const;
const SERIES = ['truth', 'RSS', 'memcg'] as const;
type Series = (typeof SERIES)[number];
const SHAPES: Record<Series, string> = { truth: 'circle', RSS: 'square', memcg: 'triangle-up' };

interface Point {
  panel: string;
  strategy: string;
  index: number;
  snapshot: string;
  series: Series;
  kb: number | null;
}

/** Per strategy, over the snapshots: what the main process really uses, its RSS and what its cgroup is charged. */
export function timelineChart({ result, rows }: ChartInput): ChartSpec {
  const colour = PALETTE;
  const subject = mainSubject(result);
  const memcg = MEMCG.find((id) => rows.some((row) => row.interface === id)) ?? MEMCG[0];
  const said = answersOf(rows);
  const points = subject ? result.strategies.flatMap((run) => strategyPoints(run, said, subject, memcg)) : [];
  const maxKb = Math.max(1, ...points.map((point) => point.kb ?? 0));
  const unit = sizeUnit(maxKb);
  const moments = longest(result.strategies);
  const span = Math.max(1, moments.length - 1);
  const shown = new Set(spread(moments.length, 8));
  const inks: Record<Series, string> = { truth: colour.truth, RSS: colour.rss, memcg: colour.memcg };
  const who = subject?.worker ?? 'the process';
  const title = `What RSS and the cgroup say about ${who} over time`;
  const description =
    `One panel per strategy over ${moments.length} snapshots: the memory ${who} really uses (solid, circles), its VmRSS ` +
    `(dashed, squares) and ${memcg.replace('-total', '')} of its cgroup (dotted, triangles).`;
  const panels = result.strategies.map((run) => strategyWords(run, 30));
  const series = { field: 'series', type: 'nominal', title: null };
  return {
    name: 'timeline',
    title,
    description,
    spec: {
      $schema: VEGA_LITE_SCHEMA,
      description,
      title: {
        text: title,
        subtitle: [
          `${unit.name} at each snapshot, same scales in every panel. Lines that coincide lie on top of each other.`,
          'truth: solid, circles; RSS: dashed, squares; memcg (its cgroup): dotted, triangles',
          labelLine(result.strategies),
        ],
      },
      config: themeConfig(),
      data: {
        values: [
          ...points.map((point) => ({
            kind: 'point',
            ...point,
            value: point.kb === null ? null : point.kb / unit.kb,
            ink: inks[point.series],
            shape: SHAPES[point.series],
            marked: shown.has(point.index),
          })),
          ...panels.flatMap((panel) => panelWords(panel, points, maxKb, unit.kb)),
        ],
      },
      facet: {
        field: 'panel',
        type: 'nominal',
        sort: panels,
        header: {
          title: null,
          labelAnchor: 'start',
          labelAlign: 'left',
          labelExpr: "split(datum.value, '\\n')",
        },
      },
      columns: Math.min(3, Math.max(1, panels.length)),
      spacing: { row: 28, column: 28 },
      resolve: { axis: { x: 'independent', y: 'independent' } },
      spec: {
        width: WIDTH,
        height: HEIGHT,
        encoding: {
          x: {
            field: 'index',
            type: 'quantitative',
            title: null,
            scale: {
              domain: [moments.length > 1 ? -span * 0.05 : -1, span * 1.02 - (moments.length > 1 ? 0 : 1)],
              nice: false,
              zero: false,
            },
            axis: snapshotAxis(moments),
          },
          y: {
            field: 'value',
            type: 'quantitative',
            title: null,
            scale: { domain: [0, (maxKb / unit.kb) * HEADROOM], nice: false },
            axis: { tickCount: 4, format: '~r' },
          },
        },
        layer: [
          {
            transform: [{ filter: "datum.kind == 'point'" }],
            mark: { type: 'line', strokeWidth: 2.5 },
            encoding: {
              color: {
                ...series,
                scale: { domain: [...SERIES], range: SERIES.map((name) => inks[name]) },
                legend: { symbolType: 'stroke', symbolSize: 900 },
              },
              strokeDash: {
                ...series,
                scale: { domain: [...SERIES], range: [[], [9, 6], [2, 5]] },
              },
            },
          },
          {
            transform: [{ filter: "datum.kind == 'point' && datum.marked && isValid(datum.value)" }],
            mark: { type: 'point', filled: false, opacity: 1, strokeWidth: 2, size: 70 },
            encoding: {
              color: { field: 'ink', type: 'nominal', scale: null },
              shape: { field: 'shape', type: 'nominal', scale: null },
            },
          },
          {
            transform: [{ filter: "datum.kind == 'words'" }],
            mark: { type: 'text', align: 'left', dx: 12, fontSize: 13 },
            encoding: { text: { field: 'text' } },
          },
        ],
      },
    },
    table: table(points, result.strategies),
  };
}

function longest(strategies: readonly StrategyRun[]): string[] {
  const runs = strategies.map((run) => run.snapshots.map((snapshot) => snapshot.label));
  return runs.reduce((best, labels) => (labels.length > best.length ? labels : best), []);
}

function strategyPoints(run: StrategyRun, answer: AnswerOf, subject: Subject, memcg: string): Point[] {
  const panel = strategyWords(run, 30);
  return run.snapshots.flatMap((snapshot, index) => {
    const process = processTruth(snapshot, subject.worker);
    const said = (id: string): number | null => answer(run.name, snapshot, id, subject)?.reportedKb ?? null;
    const head = { panel, strategy: run.name, index, snapshot: snapshot.label };
    return [
      { ...head, series: 'truth' as const, kb: process ? truthKb(process) : 0 },
      { ...head, series: 'RSS' as const, kb: said('rss') },
      { ...head, series: 'memcg' as const, kb: said(memcg) },
    ];
  });
}

/** Which snapshots get a label below the axis, and how: all when they fit, else evenly thinned, slanted when long. */
function snapshotAxis(labels: readonly string[]): object {
  const shown = spread(labels.length, 8);
  const room = WIDTH / Math.max(1, shown.length - 1);
  const flat = labels.every((label) => label.length * 7.5 + 10 <= room);
  return {
    values: shown,
    grid: false,
    labelExpr: `${JSON.stringify(labels)}[datum.value]`,
    labelLimit: 110,
    labelOverlap: false,
    ...(flat ? {} : { labelAngle: -35, labelAlign: 'right', labelBaseline: 'top', labelFontSize: 13 }),
  };
}

/** At most `most` positions out of `count`, evenly spread, first and last among them. */
function spread(count: number, most: number): number[] {
  const picks = Math.min(count, most);
  return Array.from({ length: picks }, (_, at) => Math.round((at * (count - 1)) / Math.max(1, picks - 1)));
}

/** Words beside a panel, at its last snapshot. */
function panelWords(panel: string, points: readonly Point[], maxKb: number, unitKb: number): object[] {
  const own = points.filter((point) => point.panel === panel);
  const index = Math.max(0, ...own.map((point) => point.index));
  const ends = own.filter((point) => point.index === index).map(({ series, kb }) => ({ name: series, kb }));
  return endWords(ends, (LINE / HEIGHT) * maxKb * HEADROOM).map(({ text, kb }) => ({
    kind: 'words',
    panel,
    index,
    value: kb / unitKb,
    text,
  }));
}

function table(points: readonly Point[], strategies: readonly StrategyRun[]): ChartSpec['table'] {
  return {
    header: ['Strategy', 'Snapshot', ...SERIES],
    rows: strategies.flatMap((run) =>
      run.snapshots.map((snapshot, index) => [
        run.name,
        snapshot.label,
        ...SERIES.map((series) => {
          const found = points.find(
            (point) => point.strategy === run.name && point.index === index && point.series === series,
          );
          return found && found.kb !== null ? sizeText(found.kb) : 'no answer';
        }),
      ]),
    ),
  };
}
