import { consequenceReport, type JudgedRequirement } from '../../src/analysis/consequence-report.ts';
import type { Judgement } from '../../src/analysis/requirement-types.ts';
import { REQUIREMENTS } from '../../src/analysis/requirements.ts';
import type { StepResult, StrategyRun } from '../../src/result/types.ts';

/** A step that succeeded. */
export function sampleStep(n: number, text: string, change: Partial<StepResult> = {}): StepResult {
  return { n, line: n + 10, who: 'vmm', text, ret: 0, errno: '', message: '', expected: true, ...change };
}

/** What a run is judged on one requirement. */
export function judged(run: StrategyRun, id: string): Judgement {
  const found = REQUIREMENTS.find((one) => one.id === id);
  if (!found) throw new Error(`no requirement ${id}`);
  return found.judge(run);
}

/** Verdicts of all requirements, by id. */
export function verdicts(run: StrategyRun): Record<string, string> {
  const { scorecard } = consequenceReport({ scenario: { kernel: '6.12' }, strategies: [run] });
  return Object.fromEntries(scorecard.map(({ id, cells }: JudgedRequirement) => [id, cells[0]!.verdict]));
}
