import { randomSource } from '../../random/random-order.ts';

/** Draws from a seed; the same seed draws the same everywhere. */
export class Dice {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomSource(seed);
  }

  /** A whole number from 0 on, below `count`. */
  below(count: number): number {
    return this.#next() % count;
  }

  /** Whether one draw of `times` comes. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(Math.max(1, list.length))];
  }

  /** One of a list that is not empty. */
  one<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)]!;
  }

  /** One of several, as often as their weights say. */
  weighted<T>(list: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.below(list.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of list) {
      left -= weight;
      if (left < 0) return value;
    }
    throw new RangeError('nothing to choose from');
  }
}
