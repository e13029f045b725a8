/** A seeded 32-bit generator (a Weyl sequence, finished by two multiplications); the same seed gives the same numbers everywhere. */
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
 * `count` different numbers below `size` in an order drawn from the seed: a Feistel network on rows and columns of a grid that is hardly
 * larger than the range, walked while skipping what lies outside. Needs no memory for the numbers. `visit` receives them in batches, in
 * an array that is used again, and ends the walk by returning false.
 */
export function forEachRandom(
  size: number,
  count: number,
  seed: number,
  visit: (numbers: Float64Array, length: number) => boolean,
): void {
  const next = randomSource(seed);
  const columns = 2 ** Math.ceil(Math.log2(Math.max(2, size)) / 2);
  const rows = Math.ceil(size / columns);
  const [k0, k1, k2, k3] = [next(), next(), next(), next()];
  const batch = new Float64Array(BATCH);
  let length = 0;
  let given = 0;
  for (let at = 0; at < columns * rows && given < count; at++) {
    let row = Math.floor(at / columns);
    let column = at - row * columns;
    column = (column + (mix(row, k0) >>> 7)) & (columns - 1);
    row = (row + Math.floor((mix(column, k1) >>> 0) * PER_WORD * rows)) % rows;
    column = (column + (mix(row, k2) >>> 7)) & (columns - 1);
    row = (row + Math.floor((mix(column, k3) >>> 0) * PER_WORD * rows)) % rows;
    const number = row * columns + column;
    if (number >= size) continue;
    given++;
    batch[length++] = number;
    if (length < BATCH) continue;
    if (!visit(batch, length)) return;
    length = 0;
  }
  if (length > 0) visit(batch, length);
}

/** A 32-bit word as a fraction of its range. */
const PER_WORD: number = 2 ** -32;

function mix(value: number, key: number): number {
  const mixed = Math.imul(value ^ key, 0x9e3779b1);
  return Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
}
