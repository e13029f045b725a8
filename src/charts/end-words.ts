import { sizeText } from './size-text.ts';

/** Where a line ends: its name and last value; null when it has none there. */
export interface LineEnd {
  name: string;
  kb: number | null;
}

/** One line of words beside the end of the lines. */
export interface EndWord {
  text: string;
  /** Height of the words' middle, as a value of the axis in kB. */
  kb: number;
}

/**
 * Names and last values of lines, written where the lines end: lines that end alike share one text (`truth, RSS: 40.1 GiB`),
 * and texts that would touch are moved apart around their common middle. `lineKb` is the height of one text in kB of the
 * axis. Lines without an end stand at zero as `no answer`.
 */
export function endWords(ends: readonly LineEnd[], lineKb: number): EndWord[] {
  const byText = new Map<string, { names: string[]; kb: number }>();
  for (const { name, kb } of [...ends].sort((a, b) => (b.kb ?? -1) - (a.kb ?? -1))) {
    const value = kb === null ? 'no answer' : sizeText(kb);
    const found = byText.get(value);
    if (found) found.names.push(name);
    else byText.set(value, { names: [name], kb: kb ?? 0 });
  }
  const blocks: { kb: number; lines: string[] }[] = [];
  for (const [value, { names, kb }] of byText) {
    let block = { kb, lines: [`${names.join(', ')}: ${value}`] };
    for (let above = blocks.at(-1); above; above = blocks.at(-1)) {
      const needed = ((above.lines.length + block.lines.length) / 2) * lineKb;
      // Room that is missing by rounding only is no reason to move.
      if (above.kb - block.kb >= needed * 0.999) break;
      blocks.pop();
      const lines = [...above.lines, ...block.lines];
      const middle = (above.kb * above.lines.length + block.kb * block.lines.length) / lines.length;
      block = { kb: middle, lines };
    }
    blocks.push(block);
  }
  return blocks.flatMap(({ kb, lines }) =>
    lines.map((text, at) => ({ text, kb: kb + ((lines.length - 1) / 2 - at) * lineKb })),
  );
}
