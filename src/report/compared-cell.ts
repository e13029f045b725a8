import { weakestLabel } from '../analysis/labels.ts';
import type { FieldLabel, StrategyRun } from '../result/types.ts';
import type { ComparedCell } from './comparison-types.ts';

/** A cell with the values that there are; the rest is null. */
export function compared(
  { name }: StrategyRun,
  label: FieldLabel,
  values: Partial<Omit<ComparedCell, 'strategy' | 'label'>>,
): ComparedCell {
  return {
    strategy: name,
    label,
    kb: null,
    text: null,
    truthKb: null,
    errorKb: null,
    misplacedKb: null,
    differenceKb: null,
    ...values,
  };
}

/** Label of what the engine's record says: no capture can confirm it, so that it is derived at best. */
export const truthLabel = ({ label }: StrategyRun): FieldLabel => weakestLabel(label, 'derived');
