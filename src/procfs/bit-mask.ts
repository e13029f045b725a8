/**
 * Prints a set of numbers as the kernel's `%*pb`: 32-bit hex words with commas, the first only as wide as the bit count asks.
 * Numbers at or above `bits` are left out.
 */
export function renderMask(numbers: readonly number[], bits: number): string {
  const words: string[] = [];
  for (let base = 0; base < bits; base += 32) {
    const word = numbers.reduce(
      (mask, n) => (n >= base && n < Math.min(base + 32, bits) ? mask + 2 ** (n - base) : mask),
      0,
    );
    const width = Math.ceil(Math.min(32, bits - base) / 4);
    words.unshift(word.toString(16).padStart(width, '0'));
  }
  return words.join(',');
}
