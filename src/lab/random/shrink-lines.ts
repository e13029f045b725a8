/** How lines are shrunk. */
export interface Shrinking {
  /** Leaves out what no longer has what it refers to. */
  valid: (lines: readonly string[]) => string[];
  /** Whether lines still show what the whole showed. */
  shows: (lines: readonly string[]) => Promise<boolean>;
  /** Lines that always stay. */
  keeps: (line: string) => boolean;
  /** Most questions asked of `shows`. */
  most: number;
}

/** The fewest lines found, and whether leaving out any single one more was tried. */
export interface Shrunk {
  lines: string[];
  isMinimal: boolean;
}

/**
 * Delta debugging: leaves out halves, quarters and so on down to single lines, as long as what is left still shows it, until no single line
 * can be left out.
 */
export async function shrinkLines(whole: readonly string[], shrinking: Shrinking): Promise<Shrunk> {
  const { valid, shows, keeps, most } = shrinking;
  const asked = new Map<string, boolean>();
  const ask = async (candidate: readonly string[]): Promise<boolean> => {
    const key = candidate.join('\n');
    const known = asked.get(key);
    if (known !== undefined || asked.size >= most) return known ?? false;
    const answer = await shows(candidate);
    asked.set(key, answer);
    return answer;
  };
  let lines = [...whole];
  let size = Math.ceil(lines.length / 2);
  for (;;) {
    let isSmaller = false;
    // From the end on: what comes last is least often needed by others.
    for (let end = lines.length; end > 0; end = Math.min(end - size, lines.length)) {
      const candidate = valid(lines.filter((line, at) => at < end - size || at >= end || keeps(line)));
      if (candidate.length >= lines.length || !(await ask(candidate))) continue;
      lines = candidate;
      isSmaller = true;
    }
    if (size === 1 && !isSmaller) return { lines, isMinimal: asked.size < most };
    if (!isSmaller || size > lines.length) size = Math.max(1, Math.floor(size / 2));
  }
}
