/** Text as Markdown that reads as that text: no markup, on one line. */
export function escapeMd(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').replace(/[\\`*[\]<>|#~]/g, (character) => `\\${character}`);
}

/** Text as inline code; it may hold backticks. */
export function codeMd(text: string): string {
  const line = text.replace(/\s*[\r\n]+\s*/g, ' ');
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const space = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${space}${line}${space}${fence}`;
}

/** A table of texts that are Markdown already, the first column to the left and the others to the right. */
export function tableMd(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return line(header) + line(header.map((_, at) => (at === 0 ? ':--' : '--:'))) + rows.map(line).join('');
}
