import type { Place } from '../place.ts';
import type { Path, PositionedDocument } from '../positioned-document.ts';

/** A script and where its characters stand in the user's file. */
export interface ScriptText {
  text: string;
  /** Place of a character: line of the script and index in it, both from 0. */
  place: (line: number, index: number) => Place;
}

/** A file that is a script and nothing else. */
export function wholeFile(text: string): ScriptText {
  return { text, place: (line, index) => ({ line: line + 1, column: index + 1 }) };
}

/** The script inside a YAML or JSON document; a message when its lines cannot be told apart there. */
export function scriptAt(document: PositionedDocument, path: Path): ScriptText | string {
  const scalar = document.scalarAt(path);
  const source = scalar && document.text.slice(scalar.start, scalar.end);
  if (!scalar || source === undefined) return 'text is expected here';
  if (scalar.style === 'BLOCK_LITERAL') return blockText(document, scalar);
  if (scalar.style === 'BLOCK_FOLDED') return '">" joins the lines of the script: write "steps: |"';
  const isQuoted = scalar.style.startsWith('QUOTE');
  if (source.trimEnd().includes('\n')) {
    return 'the lines of the script are joined here: write "steps: |" and the steps indented below it';
  }
  const offsets = flowOffsets(isQuoted ? source.slice(1) : source, scalar);
  const lineStarts = startsOf(scalar.value);
  return {
    text: scalar.value,
    place: (line, index) => document.placeOf(offsets[lineStarts[line]! + index] ?? scalar.start),
  };
}

/** Lines of a literal block are lines of the file, less their indentation. */
function blockText(document: PositionedDocument, scalar: { start: number; value: string }): ScriptText {
  const header = document.placeOf(scalar.start).line;
  const fileLines = document.text.split(/\r?\n/);
  const lines = scalar.value.split('\n');
  return {
    text: scalar.value,
    place: (line, index) => {
      const indent = (fileLines[header + line] ?? '').length - (lines[line] ?? '').length;
      return { line: header + 1 + line, column: Math.max(0, indent) + index + 1 };
    },
  };
}

/** Offset in the file of each character of a plain or quoted text on one line, and of its end. */
function flowOffsets(source: string, scalar: { style: string; start: number; value: string }): number[] {
  const first = scalar.style === 'PLAIN' ? scalar.start : scalar.start + 1;
  const offsets: number[] = [];
  let at = 0;
  while (offsets.length < scalar.value.length) {
    const length = sourceLength(source, at, scalar.style);
    // \U stands for two UTF-16 units where its character has two.
    const isPair = length === 10 && Number.parseInt(source.slice(at + 2, at + 10), 16) > 0xffff;
    offsets.push(first + at);
    if (isPair) offsets.push(first + at);
    at += length;
  }
  return [...offsets, first + at];
}

/** Characters of the file that the text's next character takes. */
function sourceLength(source: string, at: number, style: string): number {
  if (style === 'QUOTE_SINGLE') return source.startsWith("''", at) ? 2 : 1;
  if (style !== 'QUOTE_DOUBLE' || source[at] !== '\\') return 1;
  const digits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
  return 2 + (digits[source[at + 1] ?? ''] ?? 0);
}

function startsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
