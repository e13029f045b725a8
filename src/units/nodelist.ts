/**
 * Reads a Linux list (`0-1,3`) into ascending unique numbers. An empty text is an empty list;
 * undefined when the text is no list.
 */
export function parseList(text: string): number[] | undefined {
  const out = new Set<number>();
  if (text.trim() === '') return [];
  for (const part of text.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) return undefined;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first || last - first > 65_536) return undefined;
    for (let n = first; n <= last; n++) out.add(n);
  }
  return [...out].sort((a, b) => a - b);
}

/** Prints ascending numbers as the kernel's `%*pbl`: `0-1,3`. */
export function formatList(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < numbers.length;) {
    let j = i;
    while (j + 1 < numbers.length && numbers[j + 1] === numbers[j]! + 1) j++;
    parts.push(i === j ? `${numbers[i]}` : `${numbers[i]}-${numbers[j]}`);
    i = j + 1;
  }
  return parts.join(',');
}
