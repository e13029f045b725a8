import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeTurns } from '../../src/kernel/round-robin.ts';

/** One unit at a time, as Linux goes around its nodes. */
function oneByOne(
  wanted: number,
  room: readonly number[],
  first: number,
): { amounts: number[]; next: number } {
  const amounts = room.map(() => 0);
  let next = first;
  for (let given = 0; given < wanted; given++) {
    let looked = 0;
    while (looked < room.length && amounts[next]! >= room[next]!) {
      next = (next + 1) % room.length;
      looked++;
    }
    if (looked === room.length) break;
    amounts[next]!++;
    next = (next + 1) % room.length;
  }
  return { amounts, next };
}

describe('turns around the nodes', () => {
  it('come out as if each unit was handed out alone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 6 }),
        fc.nat(5),
        (wanted, room, start) => {
          const first = start % room.length;
          expect(takeTurns(wanted, room, first)).toEqual(oneByOne(wanted, room, first));
        },
      ),
    );
  });
});
