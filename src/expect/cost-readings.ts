import { operationRows } from '../analysis/cost-rows.ts';
import { bytesOf, COST_TABLE } from '../analysis/cost-table.ts';
import { type ReadingKind, UnknownWordError } from './reading.ts';

/** `metadata STRUCTURE [count]`: bytes, or number, of a kind of structure that exists because of private memory. */
export const METADATA_READING: ReadingKind = {
  usage: `metadata STRUCTURE [count], STRUCTURE one of ${COST_TABLE.structures.map(({ id }) => id).join(', ')}`,
  of: 'moment',
  parse(words) {
    const id = words.take(
      'the structure',
      COST_TABLE.structures.map((one) => one.id),
    );
    const isCount = words.takeWord('count');
    const each = isCount ? 1 : bytesOf(id, words.names.layout.version)!;
    return {
      unit: isCount ? 'count' : 'bytes',
      read: ({ snapshot }) => snapshot && (snapshot.truth.structures?.[id] ?? 0) * each,
    };
  },
};

const LOCKS: readonly string[] = [
  ...new Set(COST_TABLE.operations.flatMap(({ locks }) => locks.map(({ lock }) => lock))),
];

/** `locks NAME`: how often a lock or shared counter was taken for private memory, in the whole run. */
export const LOCKS_READING: ReadingKind = {
  usage: `locks NAME, NAME one of ${LOCKS.join(', ')}`,
  of: 'run',
  parse(words) {
    const name = words.takeRest('the lock');
    if (!LOCKS.includes(name)) throw new UnknownWordError(name, 'the lock', LOCKS);
    return {
      unit: 'count',
      read: ({ run }) =>
        operationRows(run)
          .flatMap(({ locks }) => locks)
          .reduce((sum, { lock, count }) => sum + (lock === name ? count : 0), 0),
    };
  },
};
