import type { Options, Part } from './contract.ts';

/** A named strategy: one part per axis, with its options. */
export interface Preset {
  name: string;
  title: string;
  /** Parts with the options that differ from the defaults: `task-policy+tdp-fault{at=allocation}+unmovable`. */
  expression: string;
}

/** A part and its options, defaults filled in. */
export interface PlannedPart {
  part: Part;
  options: Options;
}

/** A strategy ready to run: exactly one part per axis, in the order placement, accounting, migration. */
export interface StrategyPlan {
  /** Canonical: a preset's name (with its options when they differ: `tracker{oom=true}`) or `a+b{x=1}+c`. */
  name: string;
  title: string;
  parts: readonly [placement: PlannedPart, accounting: PlannedPart, migration: PlannedPart];
}

/** What a catalogue of strategies holds. */
export interface Catalogue {
  parts: readonly Part[];
  presets: readonly Preset[];
}
