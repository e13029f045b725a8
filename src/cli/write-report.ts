import { consequenceReport } from '../analysis/consequence-report.ts';
import { timeline } from '../analysis/timeline.ts';
import type { AttributionRow } from '../analysis/types.ts';
import { allCharts } from '../charts/all-charts.ts';
import { chartFontCss } from '../charts/chart-fonts.ts';
import { renderCharts, type RenderedChart } from '../charts/render-chart.ts';
import { renderTree } from '../procfs/tree.ts';
import { comparisonTables } from '../report/comparison-html.ts';
import { compareStrategies } from '../report/comparison.ts';
import { attributionCsv, payersCsv, timelineCsv } from '../report/csv.ts';
import type { ReportChart } from '../report/html-figure.ts';
import { htmlReport } from '../report/html-report.ts';
import { summaryMd } from '../report/summary-md.ts';
import type { RunResult } from '../result/types.ts';
import { breathe } from './interrupt.ts';
import { kernelTexts } from './kernel-texts.ts';
import type { ReportDirectory } from './report-directory.ts';
import { dirName, snapshotDirs } from './report-paths.ts';

/**
 * Writes everything that a report holds: the result document, what is rendered from it, and the kernel's files of each strategy
 * and snapshot. Resolves to what the charts complained about.
 */
export async function writeReport(
  directory: ReportDirectory,
  { result, rows, hasCharts }: { result: RunResult; rows: readonly AttributionRow[]; hasCharts: boolean },
): Promise<string[]> {
  directory.write('result.json', `${JSON.stringify(result, null, 1)}\n`);
  directory.write('attribution.csv', attributionCsv(result, rows));
  directory.write('timeline.csv', timelineCsv(result, timeline(result, rows)));
  directory.write('payers.csv', payersCsv(result));
  directory.write('consequences.json', `${JSON.stringify(consequenceReport(result), null, 1)}\n`);
  directory.write('summary.md', summaryMd(result, rows));
  for (const { name, snapshots } of result.strategies) {
    const dirs = snapshotDirs(snapshots);
    snapshots.forEach(({ facts }, at) => {
      for (const [path, text] of renderTree(facts)) {
        directory.write(`${dirName(name)}/${dirs[at]}/${path}`, text);
      }
    });
    await breathe();
  }
  const { charts, warnings } = hasCharts ? await drawCharts(directory, result, rows) : NO_CHARTS;
  const page = htmlReport({
    result,
    rows,
    charts,
    tables: comparisonTables(compareStrategies(result, rows)),
    kernelTexts: kernelTexts(result),
    fontCss: await chartFontCss(),
  });
  directory.write('report.html', page);
  return warnings;
}

const NO_CHARTS: { charts: ReportChart[]; warnings: string[] } = { charts: [], warnings: [] };

async function drawCharts(
  directory: ReportDirectory,
  result: RunResult,
  rows: readonly AttributionRow[],
): Promise<typeof NO_CHARTS> {
  const light = await renderCharts(allCharts({ result, rows }));
  const dark = await renderCharts(allCharts({ result, rows, theme: 'dark' }), { png: false });
  for (const { name, spec, svg, png } of light) {
    directory.write(`charts/${name}.vl.json`, `${JSON.stringify(spec, null, 2)}\n`);
    directory.write(`charts/${name}.svg`, svg);
    directory.write(`charts/${name}.png`, png);
  }
  return {
    charts: light.map((chart, at) => ({ ...chart, svgDark: dark[at]!.svg })),
    warnings: [...light, ...dark].flatMap(chartWarnings),
  };
}

const chartWarnings = ({ name, warnings }: RenderedChart): string[] =>
  warnings.map((words) => `chart ${name}: ${words}`);
