import type { FieldClass, FieldLabel } from '../result/types.ts';

/** Labels from the most to the least trustworthy. */
export const LABELS: readonly FieldLabel[] = ['verified', 'derived', 'hypothetical'];

/** How far a number can be trusted, in words for readers who see only a picture or a table. */
export const LABEL_WORDS: Readonly<Record<FieldLabel, string>> = {
  verified: 'verified: checked against captures of a real kernel',
  derived: 'derived: follows from verified rules, but no capture shows it',
  hypothetical: 'hypothetical: a design that this kernel does not have',
};

/** What depends on a field, in words. */
export const CLASS_WORDS: Readonly<Record<FieldClass, string>> = {
  accounting: 'accounting: limits and kills depend on it',
  stat: 'stat: people and tools look at it',
};

/** The least trustworthy of the labels: a number is worth no more than the weakest thing that it comes from. */
export function weakestLabel(...labels: readonly FieldLabel[]): FieldLabel {
  return LABELS[Math.max(0, ...labels.map((label) => LABELS.indexOf(label)))]!;
}
