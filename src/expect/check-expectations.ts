import { LAYOUTS } from '../procfs/layouts.ts';
import type { KernelVersion } from '../procfs/facts.ts';
import type { ExpectationResult, Snapshot, StrategyRun } from '../result/types.ts';
import type { Expectation, ExpectedValue } from './expectation.ts';
import { parseReading } from './parse-reading.ts';
import { anyNames, type Reading } from './reading.ts';

type Value = number | string | null;

/** Compares what a scenario expects under a strategy with what its run shows, in the order of the file. */
export function checkExpectations(
  expectations: readonly Expectation[],
  run: StrategyRun,
  kernel: KernelVersion,
): ExpectationResult[] {
  const names = anyNames(LAYOUTS[kernel]);
  return expectations
    .filter(({ strategies }) => strategies === null || strategies.includes(run.name))
    .map(({ line, column, at, since, reading: words, value }) => {
      const parsed = parseReading(words, names);
      if ('problem' in parsed) throw new Error(`expectation on line ${line}: ${parsed.problem}`);
      const snapshots = [at, since].map((label) => (label === null ? null : snapshotOf(run, label)));
      // A strategy that stopped took no snapshot: whatever was expected of it did not come.
      const isSeen = snapshots.every((snapshot) => snapshot !== undefined);
      const [moment = null, base = null] = snapshots;
      const actual = isSeen ? read(parsed.reading, run, moment, since === null ? null : base) : null;
      return {
        line,
        column,
        at,
        since,
        reading: words,
        ...value,
        actual,
        isMet: isSeen && isMet(value, actual),
      };
    });
}

const snapshotOf = (run: StrategyRun, label: string): Snapshot | undefined =>
  run.snapshots.find((snapshot) => snapshot.label === label);

function read(reading: Reading, run: StrategyRun, snapshot: Snapshot | null, base: Snapshot | null): Value {
  const value = reading.read({ run, snapshot });
  if (base === null || value === null) return value;
  const before = reading.read({ run, snapshot: base });
  return before === null ? null : Number(value) - Number(before);
}

function isMet({ unit, expected, tolerance }: ExpectedValue, actual: Value): boolean {
  if (unit === 'presence' && typeof expected === 'string') {
    return (expected === 'present') === (typeof actual === 'number' && actual > 0);
  }
  if (typeof expected === 'number' && typeof actual === 'number') {
    return Math.abs(actual - expected) <= tolerance;
  }
  return expected === actual;
}
