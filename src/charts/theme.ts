/** The font all pictures are measured and drawn in, with what a browser may take instead. */
export const CHART_FONT = 'Atkinson Hyperlegible Next';
const FONT_STACK = `${CHART_FONT}, Atkinson Hyperlegible, Segoe UI, Helvetica, Arial, sans-serif`;

/** Colours with a meaning. Hues follow Okabe and Ito, so that they stay apart for colour-blind readers. */
export interface Palette {
  paper: string;
  ink: string;
  softInk: string;
  grid: string;
  rule: string;
  /** Line around bars: where a fill is too pale for the paper, this edge still shows. */
  edge: string;
  /** By node id, again from the start after eight. */
  nodes: readonly string[];
  /** Memory that an interface doesn't show. */
  unseen: string;
  /** Series of the timeline. */
  truth: string;
  rss: string;
  memcg: string;
  /** From nothing seen, over exact, to counted twice. */
  diverging: readonly string[];
  noAnswer: string;
}

/** The colours of all pictures: a dark page inverts their lightness. */
export const PALETTE: Palette = {
  paper: '#ffffff',
  ink: '#1a1a1a',
  softInk: '#545454',
  grid: '#e4e4e4',
  rule: '#8a8a8a',
  edge: '#4d4d4d',
  nodes: ['#0072b2', '#56b4e9', '#d55e00', '#e69f00', '#009e73', '#cc79a7', '#f0e442', '#4b3f72'],
  unseen: '#d0d0d0',
  truth: '#1a1a1a',
  rss: '#d55e00',
  memcg: '#0072b2',
  diverging: ['#08519c', '#4292c6', '#9ecae1', '#f7f7f7', '#fdbe85', '#e6740d', '#8c2d04'],
  noAnswer: '#e0e0e0',
};

/** Vega-Lite configuration: sizes for slides, room around labels, no ink that says nothing. */
export function themeConfig(): Record<string, unknown> {
  const colour = PALETTE;
  const words = { labelColor: colour.ink, titleColor: colour.ink, labelFontSize: 14, titleFontSize: 14 };
  return {
    background: colour.paper,
    font: FONT_STACK,
    padding: 16,
    title: {
      anchor: 'start',
      frame: 'bounds',
      fontSize: 20,
      fontWeight: 700,
      color: colour.ink,
      subtitleColor: colour.softInk,
      subtitleFontSize: 14,
      subtitleLineHeight: 19,
      subtitlePadding: 6,
      offset: 16,
    },
    axis: {
      ...words,
      titleFontWeight: 600,
      labelPadding: 6,
      titlePadding: 10,
      gridColor: colour.grid,
      domainColor: colour.rule,
      tickColor: colour.rule,
      tickSize: 4,
      labelLimit: 260,
      labelFlush: false,
    },
    axisY: { domain: false, ticks: false },
    axisBand: { grid: false },
    legend: {
      ...words,
      orient: 'top',
      direction: 'horizontal',
      titleFontWeight: 600,
      titleOrient: 'left',
      titlePadding: 12,
      symbolSize: 180,
      symbolStrokeWidth: 2.5,
      labelLimit: 320,
      columnPadding: 20,
      offset: 12,
    },
    header: { ...words, labelFontWeight: 600, labelPadding: 8, labelLimit: 320 },
    view: { stroke: null },
    bar: { stroke: colour.edge, strokeWidth: 0.75 },
    text: { color: colour.ink, fontSize: 14, font: FONT_STACK },
  };
}

/** Black or white, whichever reads better on a fill given as `#rrggbb` (WCAG contrast, at least 4.5:1 on any fill). */
export function inkOn(fill: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(fill.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000000' : '#ffffff';
}
