/** A text that is not what the kernel prints in that file. The message quotes the first bad line. */
export class ProcTextError extends Error {
  /** What kind of file it was read as, e.g. `numa_maps`. */
  readonly file: string;
  /** Counted from 1; 0 when the file as a whole is at fault. */
  readonly lineNumber: number;
  /** The line as it was read. */
  readonly line: string;

  constructor(file: string, lineNumber: number, line: string, reason: string) {
    super(lineNumber === 0 ? `${file}: ${reason}` : `${file} line ${lineNumber}: ${reason}: "${line}"`);
    this.name = 'ProcTextError';
    this.file = file;
    this.lineNumber = lineNumber;
    this.line = line;
  }
}

/** One line of a file, with what an error message needs to point at it. */
export interface ProcLine {
  file: string;
  number: number;
  text: string;
}

/** The lines of a file. Every line has to end in a newline, as the kernel's do; an empty file has none. */
export function splitLines(file: string, text: string): ProcLine[] {
  if (text === '') return [];
  const parts = text.split('\n');
  if (parts.pop() !== '')
    throw new ProcTextError(
      file,
      parts.length + 1,
      text.slice(text.lastIndexOf('\n') + 1),
      'no newline at the end',
    );
  return parts.map((part, index) => ({ file, number: index + 1, text: part }));
}

/** The error for a line that does not have the form it should have. */
export function badLine(line: ProcLine, reason: string): ProcTextError {
  return new ProcTextError(line.file, line.number, line.text, reason);
}

/** Matches a line; a line of another form is an error that says what was expected. */
export function matchLine(line: ProcLine, pattern: RegExp, expected: string): string[] {
  const match = pattern.exec(line.text);
  if (!match) throw badLine(line, `expected ${expected}`);
  return match.map((group) => group ?? '');
}

/** Reads decimal digits into a number that a double holds exactly. */
export function readNumber(line: ProcLine, digits: string | undefined): number {
  const value = digits !== undefined && /^-?\d+$/.test(digits) ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw badLine(line, `"${digits ?? ''}" is no number in range`);
  return value;
}

/** Reads hexadecimal digits into a number that a double holds exactly: any page-aligned address is one. */
export function readHex(line: ProcLine, digits: string | undefined): number {
  const exact = BigInt(`0x${digits ?? ''}`);
  const value = Number(exact);
  if (BigInt(value) !== exact) throw badLine(line, `"${digits ?? ''}" is no page address`);
  return value;
}

/** Adds to a map that must not hold the key yet: a name twice in one file means that lines were mixed up. */
export function addOnce<T>(map: Map<string, T>, line: ProcLine, key: string, value: T): void {
  if (map.has(key)) throw badLine(line, `"${key}" is there twice`);
  map.set(key, value);
}
