import type { AttributionRow } from '../analysis/types.ts';
import type { RunResult } from '../result/types.ts';

/** What every picture is drawn from. Rows may hold more interfaces and subjects than a picture shows. */
export interface ChartInput {
  result: RunResult;
  rows: readonly AttributionRow[];
}

/** A JSON object in the Vega-Lite 6 language. */
export type VegaLiteSpec = Record<string, unknown>;

/** The picture's numbers as words, for readers who cannot or do not want to look at it. */
export interface ChartTable {
  header: string[];
  rows: string[][];
}

export interface ChartSpec {
  /** File name without extension. */
  name: string;
  title: string;
  /** What the picture shows, in a sentence or two; the text alternative. */
  description: string;
  /** Self-contained: inline data, title, description and theme. */
  spec: VegaLiteSpec;
  table: ChartTable;
}

export const VEGA_LITE_SCHEMA = 'https://vega.github.io/schema/vega-lite/v6.json';
