import type { StrategyRun } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';

/** Memory that a guest occupied twice over the whole run: in one gmem, and in the shared pool behind the same guest frames. */
export interface PoolRow {
  object: string;
  /** The most at a time, kB, and the first step after which it was so much. */
  peakKb: number;
  step: number;
  line: number;
  /** Steps after which any was, and kB summed over them. */
  steps: number;
  kbSteps: number;
  /** Still there at the end, kB. */
  leftKb: number;
}

/** What a run held twice; empty where nothing was. */
export const poolRows = ({ inBothPools = [] }: Pick<StrategyRun, 'inBothPools'>): PoolRow[] =>
  inBothPools.map(({ object, pages, peakPages, peakStep, peakLine, pageSteps, steps }) => ({
    object,
    peakKb: pagesToKb(peakPages),
    step: peakStep,
    line: peakLine,
    steps,
    kbSteps: pagesToKb(pageSteps),
    leftKb: pagesToKb(pages),
  }));
