/** The choice that a mistyped word most likely meant, or undefined when none is near. */
export function closest(word: string, choices: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const choice of choices) {
    const distance = editDistance(word.toLowerCase(), choice.toLowerCase());
    // Half of a short word changed is another word.
    if (distance < bestDistance && 2 * distance < Math.max(word.length, choice.length)) {
      best = choice;
      bestDistance = distance;
    }
  }
  return best;
}

/** Ends a message about a word that is no valid choice: the likely one, then all of them. */
export function hint(word: string, choices: readonly string[]): string {
  const near = closest(word, choices);
  const all = `one of ${choices.join(', ')}`;
  return near === undefined ? all : `did you mean "${near}"? O${all.slice(1)}`;
}

/** Insertions, deletions, replacements and swaps of neighbours between two words. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
