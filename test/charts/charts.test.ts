import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { allCharts } from '../../src/charts/all-charts.ts';
import { loadChartFonts } from '../../src/charts/chart-fonts.ts';
import type { ChartSpec } from '../../src/charts/chart-types.ts';
import { renderCharts } from '../../src/charts/render-chart.ts';
import { EIGHT, fixture, type FixtureOptions } from './fixture.ts';

const LONG = [
  'fbind+tracker{oom=true,file=gmem_stat}+unmovable',
  'fbind+shadow-vma',
  'upstream+alloc-charge',
];
const SIZES: [string, FixtureOptions][] = [
  ['eight strategies', {}],
  ['one of everything', { strategies: ['page-cache'], nodes: 1, snapshots: 1 }],
  [
    'twelve strategies, eight nodes, thirty snapshots',
    { strategies: [...EIGHT, ...LONG, 'tdp-fault+unmovable'], nodes: 8, snapshots: 30 },
  ],
];

interface Values {
  data: { values: Record<string, unknown>[] };
}
const values = (chart: ChartSpec): Record<string, unknown>[] => (chart.spec as unknown as Values).data.values;
const named = (charts: readonly ChartSpec[], name: string): ChartSpec =>
  charts.find((chart) => chart.name === name)!;

describe('specs', () => {
  const charts = allCharts(fixture());

  it.each(charts.map((chart) => [chart.name, chart] as const))('%s is as it was', async (name, chart) => {
    const { config, ...spec } = chart.spec;
    expect(config).toBeTypeOf('object');
    const golden = JSON.stringify({ ...chart, spec }, null, 1);
    await expect(`${golden}\n`).toMatchFileSnapshot(`goldens/${name}.json`);
  });

  it.each(charts.map((chart) => [chart.name, chart] as const))('%s is Vega-Lite', (_, chart) => {
    const file = createRequire(import.meta.url).resolve('vega-lite/vega-lite-schema.json');
    const schema = JSON.parse(readFileSync(file, 'utf8')) as object;
    const ajv = new Ajv({ strict: false, allowUnionTypes: true, validateFormats: false });
    const isSpec = ajv.compile(schema);
    isSpec(chart.spec);
    expect((isSpec.errors ?? []).slice(0, 3)).toEqual([]);
  });

  it('says in words how far each strategy can be trusted', () => {
    for (const chart of charts) {
      const text = JSON.stringify(chart.spec);
      expect(text).toContain('(verified)');
      expect(text).toContain('(hypothetical)');
      expect(text).toContain('hypothetical: a design');
    }
  });

  it('shows what numa_maps misses as such, and the same numbers in the table', () => {
    const { table } = named(charts, 'attribution');
    expect(table.rows.find((row) => row[0] === 'page-cache' && row[1] === 'numa_maps')).toEqual([
      'page-cache',
      'numa_maps',
      '83.3 MiB',
      '0 kB',
      '0 kB',
      '0 kB',
      '40.0 GiB',
      '83.3 MiB (−40.0 GiB)',
    ]);
  });

  it('keeps the order of the result in the heat map', () => {
    expect(named(charts, 'error-heatmap').table.rows.map((row) => row[0])).toEqual(EIGHT);
  });
});

describe('odd results', () => {
  it('names a process that is gone and a strategy that stopped', () => {
    const { result, rows } = fixture();
    const [first, second] = result.strategies;
    first!.snapshots[2]!.truth.processes = [];
    second!.snapshots.pop();
    second!.error = { step: 7, line: 20, message: 'no such hook', part: 'shadow-vma' };
    const left = rows
      .filter((row) => row.strategy !== 'page-cache' || row.snapshot !== 'faulted')
      .filter((row) => row.strategy !== 'shadow-vma' || row.snapshot !== 'faulted');
    const { table, spec } = named(allCharts({ result, rows: left }), 'attribution');
    expect(table.rows.slice(0, 6).map((row) => row.at(-1))).toEqual([
      ...Array.from({ length: 3 }, () => 'no such process'),
      ...Array.from({ length: 3 }, () => 'no snapshot'),
    ]);
    expect(JSON.stringify(spec)).toContain('stopped at step 7');
  });

  it('looks at the last moment with private memory when the script ends with none', () => {
    const { result, rows } = fixture();
    for (const run of result.strategies) run.snapshots[2]!.truth.processes = [];
    expect(JSON.stringify(named(allCharts({ result, rows }), 'attribution').spec)).toContain(
      '“half-faulted”',
    );
  });

  it('tells memory on the wrong node from memory that is missing', () => {
    const { result, rows } = fixture({ strategies: ['upstream'] });
    const swapped = rows.map((row) =>
      row.interface === 'numa_maps' && row.node !== null && row.snapshot === 'faulted'
        ? { ...row, reportedKb: row.node === 0 ? 85_332 : row.node === 1 ? 41_943_040 : 0 }
        : row,
    );
    const charts = allCharts({ result, rows: swapped });
    expect(named(charts, 'attribution').table.rows[1]!.at(-1)).toBe(
      '40.1 GiB (exact, 40.0 GiB on wrong node)',
    );
    expect(named(charts, 'error-heatmap').table.rows[0]).toContain('≠ 40.0 GiB');
  });

  it('draws a result without processes', async () => {
    const { result } = fixture();
    for (const run of result.strategies) run.snapshots = [];
    const drawn = await renderCharts(allCharts({ result, rows: [] }));
    expect(drawn.flatMap((chart) => chart.warnings)).toEqual([]);
    expect(drawn.map((chart) => chart.svg.startsWith('<svg'))).toEqual([true, true, true]);
  });
});

describe.each(SIZES)('pictures of %s', (_, options) => {
  it('are drawn without a warning, the same every time', async () => {
    const input = fixture(options);
    const drawn = await renderCharts(allCharts(input));
    const again = await renderCharts(allCharts(input));
    expect(drawn.flatMap((chart) => chart.warnings)).toEqual([]);
    drawn.forEach((chart, at) => {
      expect(chart.svg).toBe(again[at]!.svg);
      expect(Buffer.compare(chart.png, again[at]!.png)).toBe(0);
      expect(Buffer.from(chart.png.subarray(1, 4)).toString()).toBe('PNG');
      expect(chart.svg).not.toContain('NaN');
    });
  });

  it('have labels that fit', async () => {
    const charts = allCharts(fixture(options));
    const fonts = await loadChartFonts();
    const bars = values(named(charts, 'attribution'));
    const maximum = Math.max(...bars.map((bar) => Number(bar['to'] ?? 0)));
    for (const bar of bars.filter((one) => one['kind'] === 'segment')) {
      const room = ((Number(bar['to']) - Number(bar['from'])) / maximum) * 640;
      expect(fonts.width(String(bar['text']), 13, 600)).toBeLessThanOrEqual(room);
    }
    for (const cell of values(named(charts, 'error-heatmap'))) {
      expect(fonts.width(String(cell['text']), 13, 600)).toBeLessThan(88);
    }
    const words = values(named(charts, 'timeline')).filter((one) => one['kind'] === 'words');
    for (const panel of new Set(words.map((one) => one['panel']))) {
      const heights = words
        .filter((one) => one['panel'] === panel)
        .map((one) => (Number(one['value']) / (maximum * 1.05)) * 160)
        .sort((a, b) => a - b);
      heights.slice(1).forEach((height, at) => expect(height - heights[at]!).toBeGreaterThan(15));
    }
  });
});
