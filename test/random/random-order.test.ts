import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forEachRandom, randomSource } from '../../src/random/random-order.ts';

/** Everything that a walk hands over, and how long its batches were. */
function walk(size: number, count: number, seed: number): { numbers: number[]; batches: number[] } {
  const numbers: number[] = [];
  const batches: number[] = [];
  forEachRandom(size, count, seed, (batch, length) => {
    batches.push(length);
    numbers.push(...batch.subarray(0, length));
    return true;
  });
  return { numbers, batches };
}

const size = fc.integer({ min: 1, max: 3000 });
const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('forEachRandom', () => {
  it('visits every number below the size once', () => {
    fc.assert(
      fc.property(size, seed, (n, s) => {
        const seen = walk(n, n, s).numbers.sort((a, b) => a - b);
        expect(seen).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('visits no number twice and as many as asked for', () => {
    fc.assert(
      fc.property(size, fc.nat(3000), seed, (n, count, s) => {
        const { numbers } = walk(n, count, s);
        expect(numbers).toHaveLength(Math.min(n, count));
        expect(new Set(numbers).size).toBe(numbers.length);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  it('takes the same order from the same seed, a longer walk beginning with the shorter one', () => {
    const all = walk(5000, 5000, 7).numbers;
    expect(walk(5000, 5000, 7).numbers).toEqual(all);
    expect(walk(5000, 700, 7).numbers).toEqual(all.slice(0, 700));
    expect(walk(5000, 5000, 8).numbers).not.toEqual(all);
    expect(all).not.toEqual(all.toSorted((a, b) => a - b));
  });

  it('hands numbers over in batches of 512, and the rest', () => {
    expect(walk(2000, 1300, 3).batches).toEqual([512, 512, 276]);
    expect(walk(2000, 1024, 3).batches).toEqual([512, 512]);
    expect(walk(2000, 0, 3).batches).toEqual([]);
  });

  it('ends when the visitor says so', () => {
    let calls = 0;
    forEachRandom(2000, 2000, 3, () => ++calls < 2);
    expect(calls).toBe(2);
  });

  it('reaches numbers beyond 32 bits and spreads over the whole range', () => {
    const { numbers } = walk(2 ** 40, 1000, 5);
    expect(new Set(numbers).size).toBe(1000);
    expect(numbers.every((n) => Number.isSafeInteger(n) && n >= 0 && n < 2 ** 40)).toBe(true);
    const quarters = [0, 0, 0, 0];
    for (const n of numbers) quarters[Math.floor(n / 2 ** 38)]!++;
    for (const quarter of quarters) expect(quarter).toBeGreaterThan(100);
  });
});

describe('randomSource', () => {
  it('gives 32-bit numbers, the same for the same seed', () => {
    const a = randomSource(42);
    const b = randomSource(42);
    const drawn = Array.from({ length: 100 }, a);
    expect(Array.from({ length: 100 }, b)).toEqual(drawn);
    expect(new Set(drawn).size).toBe(100);
    expect(drawn.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32)).toBe(true);
  });
});
