import { answersOf, type AnswerOf } from '../analysis/answers.ts';
import { mainSubject, type Subject } from '../analysis/subject.ts';
import { processTruth } from '../analysis/truth.ts';
import type { MachineSummary, StrategyRun } from '../result/types.ts';
import { VEGA_LITE_SCHEMA, type ChartInput, type ChartSpec } from './chart-types.ts';
import { errorText, inUnit, sizeText, sizeUnit, type SizeUnit } from './size-text.ts';
import { labelLine, strategyWords } from './strategy-words.ts';
import { inkOn, PALETTE, themeConfig, type Palette } from './theme.ts';

const WIDTH = 640;
/** Height of one bar with its gap. */
const BAR = 27;
/** Room for the bars' names between the strategy's name and the bars. */
const NAME_GAP = 150;
const UNSEEN = 'not shown';
const INTERFACES = ['numa_maps', 'memory.numa_stat'] as const;

interface Bar {
  panel: string;
  strategy: string;
  bar: string;
  nodes: { node: number; kb: number }[];
  /** Truth beyond what the bar shows, kB. */
  unseenKb: number;
  /** Words beside the bar. */
  words: string;
}

/** Per strategy: where the main process' memory is, and where numa_maps and memory.numa_stat say it is, node by node. */
export function attributionChart({ result, rows }: ChartInput): ChartSpec {
  const colour = PALETTE;
  const subject = mainSubject(result);
  const said = answersOf(rows);
  const bars = subject ? result.strategies.flatMap((run) => strategyBars(run, said, subject)) : [];
  const maxKb = Math.max(1, ...bars.map((bar) => total(bar.nodes) + bar.unseenKb));
  const unit = sizeUnit(maxKb);
  const who = subject?.worker ?? 'the process';
  const title = `Where the memory of ${who} is, and where the kernel says it is`;
  const description =
    `For each strategy three bars: the true memory of ${who} per NUMA node, what its numa_maps shows and what ` +
    `memory.numa_stat of its cgroup shows, at snapshot ${subject?.snapshot ?? 'none'}.`;
  const nodeNames = result.machine.nodes.map((node) => `N${node.nid}`);
  const fills = result.machine.nodes.map((_, at) => colour.nodes[at % colour.nodes.length]!);
  return {
    name: 'attribution',
    title,
    description,
    spec: {
      $schema: VEGA_LITE_SCHEMA,
      description,
      title: {
        text: title,
        subtitle: [
          subject
            ? `Snapshot “${subject.snapshot}” (step ${subject.step}); ${unit.name} per node; grey: real memory that the interface does not show`
            : 'No process was seen in any snapshot',
          labelLine(result.strategies),
        ],
      },
      config: themeConfig(),
      data: { values: bars.flatMap((bar) => marks(bar, result.machine, colour, unit, maxKb)) },
      facet: {
        row: {
          field: 'panel',
          type: 'nominal',
          sort: result.strategies.map((run) => strategyWords(run)),
          // Headers of several lines don't line up; the names are text marks of the panels instead.
          header: null,
        },
      },
      spacing: 16,
      resolve: { axis: { y: 'independent' } },
      spec: {
        width: WIDTH,
        height: { step: BAR },
        encoding: {
          y: { field: 'bar', type: 'nominal', sort: ['truth', ...INTERFACES], title: null },
          x: {
            field: 'from',
            type: 'quantitative',
            title: unit.name,
            scale: { domain: [0, maxKb / unit.kb], nice: false },
            axis: { tickCount: 5, format: '~r' },
          },
        },
        layer: [
          {
            transform: [{ filter: "datum.kind == 'segment'" }],
            mark: { type: 'bar', height: { band: 0.88 } },
            encoding: {
              x2: { field: 'to' },
              color: {
                field: 'node',
                type: 'nominal',
                title: 'Node',
                scale: { domain: [...nodeNames, UNSEEN], range: [...fills, colour.unseen] },
                legend: { symbolType: 'square', symbolStrokeColor: colour.edge, columns: 9 },
              },
            },
          },
          {
            transform: [{ filter: "datum.kind == 'segment' && datum.text != ''" }],
            mark: { type: 'text', fontWeight: 600, fontSize: 13 },
            encoding: {
              x: { field: 'middle', type: 'quantitative' },
              text: { field: 'text' },
              color: { field: 'ink', type: 'nominal', scale: null },
            },
          },
          {
            transform: [{ filter: "datum.kind == 'words'" }],
            mark: { type: 'text', align: 'left', dx: 10, fontSize: 13 },
            encoding: { text: { field: 'text' } },
          },
          {
            transform: [{ filter: "datum.kind == 'words' && datum.bar == 'truth'" }],
            mark: { type: 'text', align: 'right', fontWeight: 600, lineBreak: '\n', lineHeight: 18 },
            encoding: {
              x: { value: -NAME_GAP },
              y: { value: (BAR * (1 + INTERFACES.length)) / 2 },
              text: { field: 'panel' },
            },
          },
        ],
      },
    },
    table: table(bars, result.machine),
  };
}

const total = (nodes: readonly { kb: number }[]): number => nodes.reduce((sum, node) => sum + node.kb, 0);

function strategyBars(run: StrategyRun, answer: AnswerOf, subject: Subject): Bar[] {
  const head = { panel: strategyWords(run), strategy: run.name };
  const snapshot = run.snapshots[subject.index];
  const process = processTruth(snapshot, subject.worker);
  const nodes = (process?.nodePages ?? []).map((pages, node) => ({ node, kb: pages * 4 }));
  const gone = snapshot ? 'no such process' : 'no snapshot';
  const truth: Bar = {
    ...head,
    bar: 'truth',
    nodes,
    unseenKb: 0,
    words: process ? sizeText(total(nodes)) : gone,
  };
  const reported = INTERFACES.map((id): Bar => {
    const said = snapshot ? answer(run.name, snapshot, id, subject) : null;
    if (!said || said.reportedKb === null || said.errorKb === null) {
      const words = !process ? gone : 'no answer';
      return { ...head, bar: id, nodes: [], unseenKb: said?.truthKb ?? 0, words };
    }
    const off = said.misplacedKb > 0 ? `, ${sizeText(said.misplacedKb)} on wrong node` : '';
    return {
      ...head,
      bar: id,
      nodes: said.nodes.map((row) => ({ node: row.node, kb: row.reportedKb ?? 0 })),
      unseenKb: Math.max(0, -said.errorKb),
      words: `${sizeText(said.reportedKb)} (${errorText(said.errorKb)}${off})`,
    };
  });
  return [truth, ...reported];
}

/** One row per coloured piece with its place, and one for the words beside the bar. */
function marks(bar: Bar, machine: MachineSummary, colour: Palette, unit: SizeUnit, maxKb: number): object[] {
  const pieces = bar.nodes.map(({ node, kb }) => {
    const at = Math.max(
      0,
      machine.nodes.findIndex((one) => one.nid === node),
    );
    return { node: `N${node}`, kb, fill: colour.nodes[at % colour.nodes.length]! };
  });
  pieces.push({ node: UNSEEN, kb: bar.unseenKb, fill: colour.unseen });
  const out: object[] = [];
  const { panel, bar: name } = bar;
  let fromKb = 0;
  for (const { node, kb, fill } of pieces) {
    if (kb <= 0) continue;
    const toKb = fromKb + kb;
    const room = (kb / maxKb) * WIDTH - 8;
    const number = inUnit(kb, unit);
    const text = [`${node} ${number}`, number].find((words) => words.length * 7.6 <= room) ?? '';
    const place = { from: fromKb / unit.kb, to: toKb / unit.kb, middle: (fromKb + toKb) / 2 / unit.kb };
    out.push({ kind: 'segment', panel, bar: name, node, ...place, text, ink: inkOn(fill) });
    fromKb = toKb;
  }
  out.push({ kind: 'words', panel, bar: name, from: maxKb / unit.kb, text: bar.words });
  return out;
}

function table(bars: readonly Bar[], machine: MachineSummary): ChartSpec['table'] {
  return {
    header: ['Strategy', 'Source', ...machine.nodes.map((node) => `N${node.nid}`), UNSEEN, 'In words'],
    rows: bars.map((bar) => [
      bar.strategy,
      bar.bar,
      ...machine.nodes.map(({ nid }) => {
        const found = bar.nodes.find((one) => one.node === nid);
        return found ? sizeText(found.kb) : '–';
      }),
      sizeText(bar.unseenKb),
      bar.words,
    ]),
  };
}
