import type { Problem } from './types.ts';

/** Longest stretch of a line that is quoted. */
const QUOTED_WIDTH = 100;

/**
 * Prints problems as `FILE:LINE:COLUMN: message`, each followed by the line it is about and a caret below the place.
 * `texts` holds the files by the name that problems give; a file that is not there is not quoted.
 */
export function formatProblems(
  problems: readonly Problem[],
  texts: Readonly<Record<string, string>>,
): string {
  const lines = new Map(Object.entries(texts).map(([file, text]) => [file, text.split(/\r?\n/)]));
  return problems
    .map((problem) => {
      const { file, line, column, message } = problem;
      const quoted = lines.get(file)?.[line - 1];
      const head = `${file}:${line}:${column}: ${message}\n`;
      return quoted === undefined || quoted.trim() === '' ? head : head + quote(quoted, line, column);
    })
    .join('');
}

function quote(text: string, line: number, column: number): string {
  const from = text.length > QUOTED_WIDTH ? Math.max(0, column - QUOTED_WIDTH / 2) : 0;
  const before = from > 0 ? '…' : '';
  const after = text.length > from + QUOTED_WIDTH ? '…' : '';
  const shown = before + text.slice(from, from + QUOTED_WIDTH) + after;
  // Tabs stay tabs, so that the caret stands below its place whatever their width.
  const lead = before.replace('…', ' ') + text.slice(from, column - 1).replaceAll(/[^\t]/g, ' ');
  const number = String(line).padStart(6);
  return `${number} | ${shown}\n${' '.repeat(number.length)} | ${lead}^\n`;
}
