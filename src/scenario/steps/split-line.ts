/** A word of a script line and where it starts in it, counted from 0. */
export interface Word {
  text: string;
  start: number;
}

/** Words of a line without its comment. */
export function splitLine(line: string): Word[] {
  const [code = ''] = line.split('#', 1);
  return [...code.matchAll(/\S+/g)].map((match) => ({ text: match[0], start: match.index }));
}

/** The line from the first to the last of some words, as written. */
export function textOf(line: string, words: readonly Word[]): string {
  const last = words.at(-1);
  return last ? line.slice(words[0]!.start, last.start + last.text.length) : '';
}
