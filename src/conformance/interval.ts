/** A number known up to an interval, both ends included. */
export interface Interval {
  low: number;
  high: number;
}

/** A number that is known exactly. */
export const point = (value: number): Interval => ({ low: value, high: value });

export const plus = (a: Interval, b: Interval): Interval => ({ low: a.low + b.low, high: a.high + b.high });

/** What is left of a total when a part known up to an interval is taken away. */
export const minus = (a: Interval, b: Interval): Interval => ({ low: a.low - b.high, high: a.high - b.low });

/** The smallest interval that holds both. */
export const hull = (a: Interval, b: Interval): Interval => ({
  low: Math.min(a.low, b.low),
  high: Math.max(a.high, b.high),
});

export const isPoint = ({ low, high }: Interval): boolean => low === high;

/** How far apart two intervals are; 0 when they share a number. */
export const gap = (a: Interval, b: Interval): number => Math.max(0, a.low - b.high, b.low - a.high);

/** `12`, or `10..13`. */
export const intervalText = (value: Interval): string =>
  isPoint(value) ? `${value.low}` : `${value.low}..${value.high}`;
