import type { LoggerInterface } from 'vega';
import type { TopLevelSpec } from 'vega-lite';
import { loadChartFonts, type ChartFonts } from './chart-fonts.ts';
import type { ChartSpec } from './chart-types.ts';
import { CHART_FONT } from './theme.ts';

export interface RenderedChart extends ChartSpec {
  svg: string;
  /** Twice the SVG's size, for slides. */
  png: Uint8Array;
  /** What Vega-Lite and Vega complained about; empty for a sound picture. */
  warnings: string[];
}

/** Options of `renderCharts`. */
export interface RenderOptions {
  /** Whether to draw PNGs too (the slower half); true when absent, else `png` is empty. */
  png?: boolean | undefined;
}

/**
 * Draws pictures one after the other. The same specs give the same bytes on every machine. Vega and resvg are loaded at the
 * first call only, because most commands draw nothing.
 */
export async function renderCharts(
  specs: readonly ChartSpec[],
  options: RenderOptions = {},
): Promise<RenderedChart[]> {
  if (specs.length === 0) return [];
  const [vega, { compile }, { Resvg }, fonts] = await Promise.all([
    import('vega'),
    import('vega-lite'),
    import('@resvg/resvg-js'),
    loadChartFonts(),
  ]);
  measureBy(vega, fonts);
  const rendered: RenderedChart[] = [];
  for (const chart of specs) {
    const warnings: string[] = [];
    const logger = warningLog(warnings);
    // Clip ids count up over the life of a process; each picture starts anew so that its bytes depend on nothing else.
    vega.resetSVGDefIds();
    const { spec } = compile(chart.spec as unknown as TopLevelSpec, { logger });
    const view = new vega.View(vega.parse(spec), { renderer: 'none', logger });
    const svg = await view.toSVG();
    view.finalize();
    const png =
      options.png === false
        ? new Uint8Array()
        : new Resvg(svg, {
            fitTo: { mode: 'zoom', value: 2 },
            font: { loadSystemFonts: false, fontFiles: fonts.files, defaultFontFamily: CHART_FONT },
          })
            .render()
            .asPng();
    rendered.push({ ...chart, svg, png, warnings });
  }
  return rendered;
}

interface TextItem {
  fontSize?: number | undefined;
  fontWeight?: unknown;
}

/** Vega guesses text widths unless told. Its types leave `textMetrics` out, which it exports for this very use. */
function measureBy(vega: object, fonts: ChartFonts): void {
  const { textMetrics } = vega as { textMetrics: object };
  Object.assign(textMetrics, {
    width: (item: TextItem, text: string | number | null | undefined): number =>
      fonts.width(String(text ?? ''), item.fontSize ?? 11, item.fontWeight),
  });
}

function warningLog(warnings: string[]): LoggerInterface {
  let level = 2;
  const log: LoggerInterface = {
    level(next?: number) {
      if (next === undefined) return level;
      level = next;
      return log;
    },
    error: (...args: readonly unknown[]) => note(args),
    warn: (...args: readonly unknown[]) => note(args),
    info: () => log,
    debug: () => log,
  } as LoggerInterface;
  const note = (args: readonly unknown[]): LoggerInterface => {
    warnings.push(args.map(String).join(' '));
    return log;
  };
  return log;
}
