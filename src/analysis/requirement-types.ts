import type { StrategyRun } from '../result/types.ts';
import type { ThreadId } from './threads.ts';

/** How a strategy did on a requirement in this scenario. */
export type RequirementVerdict = 'met' | 'partly' | 'not met' | 'not tried';

/** The number behind a verdict, and what it counts. */
export interface Figure {
  value: number;
  /** Whole that the value is a part of; null where it stands alone. */
  of: number | null;
  unit: 'kB' | 'count' | 'per page';
  /** What it is: `in VmRSS of qemu`. */
  words: string;
}

/** Where the scenario shows it. */
export interface Evidence {
  step: number;
  line: number;
  /** Snapshot taken at that step, or the one that shows the step's effect; null when a step alone shows it. */
  snapshot: string | null;
}

/** A verdict, computed from a run. `not tried` has neither figure nor evidence. */
export interface Judgement {
  verdict: RequirementVerdict;
  figure: Figure | null;
  evidence: Evidence | null;
}

/** Something that people upstream asked of any solution, and how a run is judged by it. */
export interface Requirement {
  id: string;
  title: string;
  /** In neutral words. */
  demand: string;
  threads: readonly ThreadId[];
  judge: (run: StrategyRun) => Judgement;
}
