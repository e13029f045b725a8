import { attributionChart } from './attribution-chart.ts';
import type { ChartInput, ChartSpec } from './chart-types.ts';
import { errorHeatmap } from './error-heatmap.ts';
import { timelineChart } from './timeline-chart.ts';

/** Every picture of a run, in the order of reading. */
export function allCharts(input: ChartInput): ChartSpec[] {
  return [errorHeatmap(input), attributionChart(input), timelineChart(input)];
}
