import { consequenceReport } from '../analysis/consequence-report.ts';
import { interfaceScores } from '../analysis/interface-scores.ts';
import type { AttributionRow } from '../analysis/types.ts';
import type { RunResult } from '../result/types.ts';
import { comparedFields } from './comparison-fields.ts';
import { allExpectations } from './expectation-words.ts';
import type { ComparedField, Comparison } from './comparison-types.ts';

/** A reference that the result has no strategy for. */
export class UnknownReferenceError extends Error {
  readonly choices: readonly string[];
  constructor(name: string, choices: readonly string[]) {
    super(`no strategy "${name}" to compare with; there are: ${choices.join(', ')}`);
    this.name = 'UnknownReferenceError';
    this.choices = choices;
  }
}

/**
 * Compares the strategies of a result at the moment and about the process that its pictures show. With a reference, each
 * size also has its difference from that strategy's. Throws UnknownReferenceError.
 */
export function compareStrategies(
  result: RunResult,
  rows: readonly AttributionRow[],
  options: { reference?: string | undefined } = {},
): Comparison {
  const { strategies, scenario } = result;
  const names = strategies.map((run) => run.name);
  const reference = options.reference ?? null;
  if (reference !== null && !names.includes(reference)) throw new UnknownReferenceError(reference, names);
  const card = interfaceScores(result, rows);
  const fields = card.subject ? comparedFields(result, card, card.subject) : [];
  return {
    scenario: { id: scenario.id, title: scenario.title, kernel: scenario.kernel },
    subject: card.subject,
    reference,
    strategies: strategies.map(({ name, title, label, error }) => ({ name, title, label, error })),
    fields: fields.map((field) => against(field, reference)),
    consequences: consequenceReport(result),
    expectations: allExpectations(result),
  };
}

function against(field: ComparedField, reference: string | null): ComparedField {
  const base = field.cells.find((cell) => cell.strategy === reference)?.kb ?? null;
  const cells = field.cells.map((cell) => ({
    ...cell,
    differenceKb: base === null || cell.kb === null ? null : cell.kb - base,
  }));
  return { ...field, cells };
}
