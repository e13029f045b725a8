/** A seeded 32-bit generator (splitmix32); the same seed gives the same numbers everywhere. */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}

/** Numbers that `forEachRandom` hands over at once. */
const BATCH = 512;

/**
 * `count` different numbers below `size` in an order drawn from the seed: a Feistel network over the next power of four, walked until
 * inside the range. Needs no memory for the numbers. `visit` receives them in
 * batches, in an array that is used again, and ends the walk by returning false.
 */
export function forEachRandom(
  size: number,
  count: number,
  seed: number,
  visit: (numbers: Float64Array, length: number) => boolean,
): void {
  const next = randomSource(seed);
  const halfBits = Math.max(1, Math.ceil(Math.ceil(Math.log2(Math.max(2, size))) / 2));
  const half = 2 ** halfBits;
  const keys = [next(), next(), next(), next()];
  const permute = (value: number): number => {
    let left = Math.floor(value / half);
    let right = value % half;
    for (let round = 0; round < keys.length; round++) {
      let mixed = Math.imul(right ^ keys[round]!, 0x9e3779b1);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
      const next = (left ^ (mixed >>> 7)) & (half - 1);
      left = right;
      right = next;
    }
    return left * half + right;
  };
  const all = half * half;
  const batch = new Float64Array(BATCH);
  let length = 0;
  let given = 0;
  for (let at = 0; at < all && given < count; at++) {
    const number = permute(at);
    if (number >= size) continue;
    given++;
    batch[length++] = number;
    if (length < BATCH) continue;
    if (!visit(batch, length)) return;
    length = 0;
  }
  if (length > 0) visit(batch, length);
}
