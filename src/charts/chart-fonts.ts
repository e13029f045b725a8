import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fontMetrics, type TextWidth } from './font-metrics.ts';
import { CHART_FONT } from './theme.ts';

/** The font files pictures are drawn with, and how wide they make a text. */
export interface ChartFonts {
  files: string[];
  /** Width in pixels of a text at a font size and weight (CSS weight or name). */
  width: (text: string, sizePx: number, weight: unknown) => number;
}

const PACKAGE = '@expo-google-fonts/atkinson-hyperlegible-next';
const WEIGHTS = { 400: '400Regular', 600: '600SemiBold', 700: '700Bold' } as const;

let fonts: Promise<ChartFonts> | undefined;
let css: Promise<string> | undefined;

/** The three weights of the charts' font from its npm package, so that no machine's own fonts matter; read at the first call. */
export const loadChartFonts = (): Promise<ChartFonts> => (fonts ??= readFonts());

/** `@font-face` rules that hold the three weights themselves, for pages that must not load anything. */
export const chartFontCss = (): Promise<string> => (css ??= readCss());

async function readFonts(): Promise<ChartFonts> {
  const { resolve } = createRequire(import.meta.url);
  const files = Object.values(WEIGHTS).map((name) => resolve(fontPath(name)));
  const [regular, semiBold, bold] = (await Promise.all(
    files.map(async (file) => fontMetrics(await readFile(file))),
  )) as [TextWidth, TextWidth, TextWidth];
  return {
    files,
    width(text, sizePx, weight) {
      const heavy = weight === 'bold' ? 700 : Number(weight);
      const face = heavy >= 700 ? bold : heavy >= 550 ? semiBold : regular;
      return face(text) * sizePx;
    },
  };
}

async function readCss(): Promise<string> {
  const { resolve } = createRequire(import.meta.url);
  const rules = Object.entries(WEIGHTS).map(async ([weight, name]) => {
    const file = await readFile(resolve(fontPath(name)));
    const url = `data:font/ttf;base64,${file.toString('base64')}`;
    return `@font-face{font-family:"${CHART_FONT}";font-weight:${weight};src:url(${url}) format("truetype")}`;
  });
  return (await Promise.all(rules)).join('\n');
}

const fontPath = (name: string): string => `${PACKAGE}/${name}/AtkinsonHyperlegibleNext_${name}.ttf`;
