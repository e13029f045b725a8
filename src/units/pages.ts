/** Bytes of a base page (x86-64). Everything in the model counts pages of this size. */
export const PAGE_SIZE = 4096;
/** Base pages of a pageblock and of a PMD mapping (2 MiB). */
export const PAGES_PER_PMD = 512;
/** Base pages of a PUD mapping (1 GiB). */
export const PAGES_PER_PUD: number = 512 * 512;

/** Pages to kB, as /proc prints sizes. */
export const pagesToKb = (pages: number): number => pages * 4;
/** Bytes to whole pages, rounded up. */
export const pagesFor = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE);

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  p: PAGE_SIZE,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

/**
 * Reads a size of the step language: digits (decimal, `0x…`, or a decimal fraction) and an optional unit
 * K, M, G, T or p (pages); lower-case letters and a trailing B or iB are taken too.
 * Returns whole bytes, or undefined when the text is no size.
 */
export function parseSize(text: string): number | undefined {
  const match = /^(0x[0-9a-f]+|\d+(?:\.\d+)?)(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text.trim());
  if (!match) return undefined;
  const letter = match[2] ?? '';
  const unit = UNITS[letter.toLowerCase() === 'p' ? 'p' : letter.toUpperCase()];
  if (unit === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Shortest exact text of a byte count: `40G`, `64M`, `4K`, `123`. */
export function formatSize(bytes: number): string {
  for (const unit of ['T', 'G', 'M', 'K'] as const) {
    const scale = UNITS[unit]!;
    if (bytes !== 0 && bytes % scale === 0) return `${bytes / scale}${unit}`;
  }
  return String(bytes);
}
