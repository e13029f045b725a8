import type { ExpectationUnit } from '../result/types.ts';

/** One thing that a scenario says will be seen: a cell of one of its tables. Plain data. */
export interface Expectation {
  /** 1-based place of the value in the scenario file. */
  line: number;
  column: number;
  /** Canonical names of the strategies that it is about; null: whichever run. */
  strategies: string[] | null;
  /** Snapshot that is looked at; null: the whole run. */
  at: string | null;
  /** Snapshot that the value is a difference from; null: it is the value itself. */
  since: string | null;
  /** The words of a reading, as `parseReading` takes them. */
  reading: string;
  value: ExpectedValue;
}

/** A value and how far off it may be, both in the unit of the reading. */
export interface ExpectedValue {
  unit: ExpectationUnit;
  /** null: there is nothing to see (no such process any more). */
  expected: number | string | null;
  tolerance: number;
}
