import type { StepArgs, Verb } from '../types.ts';
import type { StepWords } from './step-words.ts';

/** How a verb's arguments are written, and how they are read. */
export interface StepRule<V extends Verb> {
  /** Arguments as a message shows them; `[…]` may be left out. */
  usage: string;
  read: (words: StepWords) => StepArgs[V];
}

/** One rule for each of some verbs. */
export type StepRules<V extends Verb> = { readonly [K in V]: StepRule<K> };
