import { timeline } from '../analysis/timeline.ts';
import type { AttributionRow } from '../analysis/types.ts';
import { allCharts } from '../charts/all-charts.ts';
import { chartFontCss } from '../charts/chart-fonts.ts';
import type { ChartInput } from '../charts/chart-types.ts';
import { renderCharts, type RenderedChart } from '../charts/render-chart.ts';
import { renderTree } from '../procfs/tree.ts';
import { comparisonTables } from '../report/comparison-html.ts';
import type { Comparison } from '../report/comparison-types.ts';
import { attributionCsv, payersCsv, timelineCsv } from '../report/csv.ts';
import type { ReportChart } from '../report/html-figure.ts';
import { htmlReport } from '../report/html-report.ts';
import { summaryMd } from '../report/summary-md.ts';
import type { RunResult } from '../result/types.ts';
import { breathe } from './interrupt.ts';
import { kernelTexts } from './kernel-texts.ts';
import { dirName, snapshotDirs } from './report-paths.ts';

/** Which pictures a report has: vega-lite specs and SVGs, and PNGs too or not. */
export type Drawing = 'nothing' | 'svg' | 'svg-png';

/** A file of a report: all the paths at which it stands, below the report's directory and with `/` between their parts, and what it holds. */
export type ReportFile = [paths: readonly string[], content: string | Uint8Array];

/**
 * Everything that a report holds: the result document, what is rendered from it, and the kernel's files of each strategy and
 * snapshot; and what the charts complained about.
 */
export async function reportFiles({
  result,
  rows,
  comparison,
  draw,
}: {
  result: RunResult;
  rows: readonly AttributionRow[];
  comparison: Comparison;
  draw: Drawing;
}): Promise<{ files: ReportFile[]; warnings: string[] }> {
  const files: ReportFile[] = [
    [['result.json'], `${JSON.stringify(result, null, 1)}\n`],
    [['attribution.csv'], attributionCsv(result, rows)],
    [['timeline.csv'], timelineCsv(result, timeline(result, rows))],
    [['payers.csv'], payersCsv(result)],
    [['consequences.json'], `${JSON.stringify(comparison.consequences, null, 1)}\n`],
    [['summary.md'], summaryMd(result, rows, comparison)],
  ];
  const drawn = draw === 'nothing' ? NO_CHARTS : await drawCharts({ result, rows }, draw === 'svg-png');
  const page = htmlReport({
    result,
    rows,
    charts: drawn.charts,
    tables: comparisonTables(comparison),
    consequences: comparison.consequences,
    kernelTexts: kernelTexts(result),
    fontCss: await chartFontCss(),
  });
  return {
    files: [...files, ...(await treeFiles(result)), ...drawn.files, [['report.html'], page]],
    warnings: drawn.warnings,
  };
}

/** The kernel's files of all strategies and snapshots. Nine in ten say the same as another one, and are one file of many paths. */
async function treeFiles({ strategies }: RunResult): Promise<ReportFile[]> {
  const paths = new Map<string, string[]>();
  for (const { name, snapshots } of strategies) {
    const dirs = snapshotDirs(snapshots);
    snapshots.forEach(({ facts }, at) => {
      for (const [file, text] of renderTree(facts)) {
        const path = `${dirName(name)}/${dirs[at]}/${file}`;
        const same = paths.get(text);
        if (same) same.push(path);
        else paths.set(text, [path]);
      }
    });
    await breathe();
  }
  return [...paths].map(([text, places]) => [places, text]);
}

interface Drawn {
  files: ReportFile[];
  charts: ReportChart[];
  warnings: string[];
}

const NO_CHARTS: Drawn = { files: [], charts: [], warnings: [] };

async function drawCharts(input: ChartInput, png: boolean): Promise<Drawn> {
  const charts = await renderCharts(allCharts(input), { png });
  return {
    files: charts.flatMap((chart): ReportFile[] => [
      [[`charts/${chart.name}.vl.json`], `${JSON.stringify(chart.spec, null, 2)}\n`],
      [[`charts/${chart.name}.svg`], chart.svg],
      ...(png ? ([[[`charts/${chart.name}.png`], chart.png]] satisfies ReportFile[]) : []),
    ]),
    charts,
    warnings: charts.flatMap(chartWarnings),
  };
}

const chartWarnings = ({ name, warnings }: RenderedChart): string[] =>
  warnings.map((words) => `chart ${name}: ${words}`);
