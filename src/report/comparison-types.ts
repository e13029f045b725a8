import type { ConsequenceReport } from '../analysis/consequence-report.ts';
import type { Subject } from '../analysis/subject.ts';
import type { StrategyExpectation } from './expectation-words.ts';
import type { FieldClass, FieldLabel, StrategyRun } from '../result/types.ts';

/** Strategies side by side: what is true, what each interface says, and what follows. All sizes are whole kB. */
export interface Comparison {
  scenario: { id: string; title: string; kernel: string };
  /** Whom and when it is about; null when no process was seen in any snapshot, and then there are no fields. */
  subject: Subject | null;
  /** Strategy that the differences are against. */
  reference: string | null;
  strategies: ComparedStrategy[];
  fields: ComparedField[];
  /** What the scenario says will be seen, and what was, under each strategy. */
  expectations: StrategyExpectation[];
  /** The scorecard, and what follows from each design at every snapshot. */
  consequences: ConsequenceReport;
}

export interface ComparedStrategy {
  name: string;
  title: string;
  label: FieldLabel;
  /** Why it has fewer or no numbers: it threw. */
  error: StrategyRun['error'];
}

/** One line of the comparison. */
export interface ComparedField {
  /** `truth`, an interface id, or a consequence. */
  field: string;
  title: string;
  scope: 'process' | 'cgroup' | 'node' | 'consequence';
  /** Worker name, cgroup path, or `nodes` for all of them together. */
  subject: string;
  /** Node id, or null for the total. */
  node: number | null;
  /** truth: from the engine's own record, no field of the kernel. */
  fieldClass: FieldClass | 'truth';
  /** One per strategy, in their order. */
  cells: ComparedCell[];
}

export interface ComparedCell {
  strategy: string;
  label: FieldLabel;
  /** What is true, reported or follows; null: no answer. */
  kb: number | null;
  /** What follows, where that is no size. */
  text: string | null;
  truthKb: number | null;
  /** Reported minus true. */
  errorKb: number | null;
  /** Memory on another node than reported, with the total right. */
  misplacedKb: number | null;
  /** Against the reference's. */
  differenceKb: number | null;
}
