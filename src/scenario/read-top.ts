import type { ProblemList } from './place.ts';
import { type PositionedDocument, readDocument } from './positioned-document.ts';
import { describe } from './schema-message.ts';

/** Reads a file that must hold a mapping; `keys` names the ones it cannot do without. Undefined when there is nothing to check. */
export function readTop(text: string, keys: string, problems: ProblemList): PositionedDocument | undefined {
  const start = { line: 1, column: 1 };
  const document = readDocument(text, problems);
  if (!document) return undefined;
  const { value } = document;
  if (value === null || value === undefined) {
    problems.report(start, 'schema', `the file is empty: a mapping with ${keys} is expected`);
    return undefined;
  }
  if (typeof value === 'object' && !Array.isArray(value)) return document;
  const message = `a mapping with ${keys} is expected at the top, found ${describe(value)}`;
  problems.report(document.place([]), 'schema', message);
  return undefined;
}
