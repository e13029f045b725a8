import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { type Place, ProblemList, type Report } from './place.ts';

/** Keys and indices from the top of a document to one of its values. */
export type Path = readonly (string | number)[];

/** A YAML or JSON document that knows where its values stand. */
export class PositionedDocument {
  readonly file: string;
  readonly text: string;
  readonly value: unknown;
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(config: {
    file: string;
    text: string;
    document: Document;
    lines: LineCounter;
    value: unknown;
  }) {
    this.file = config.file;
    this.text = config.text;
    this.value = config.value;
    this.#document = config.document;
    this.#lines = config.lines;
  }

  /** Where a value (or its key) stands; what is not there is placed at the nearest thing around it. */
  place(path: Path, at: 'key' | 'value' = 'value'): Place {
    const { node, key } = this.#find(path);
    const isEmpty = !node?.range || node.range[0] === node.range[1];
    const chosen = (at === 'key' || isEmpty) && key ? key : node;
    return this.placeOf(chosen?.range?.[0] ?? 0);
  }

  /** Line and column of an offset in the text. */
  placeOf(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** The scalar at a path as it is written, aliases followed; undefined when there is none. */
  scalarAt(path: Path): { style: string; start: number; end: number; value: string } | undefined {
    const node = this.#resolve(this.#find(path).node);
    if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return undefined;
    return { style: node.type ?? 'PLAIN', start: node.range[0], end: node.range[1], value: node.value };
  }

  /** `nodes[1].memory`. */
  pathText(path: Path): string {
    let value = this.value;
    let text = '';
    for (const part of path) {
      const isIndex = Array.isArray(value);
      text += isIndex ? `[${part}]` : text === '' ? part : `.${part}`;
      value = (value as Record<string, unknown> | undefined)?.[part];
    }
    return text;
  }

  /** Whether there is anything at a path. */
  has(path: Path): boolean {
    let value = this.value;
    for (const part of path) value = (value as Record<string, unknown> | null | undefined)?.[part];
    return value !== undefined;
  }

  /** A message about a value, led by its path. */
  about(path: Path, message: string): string {
    return path.length === 0 ? message : `${this.pathText(path)}: ${message}`;
  }

  #find(path: Path): { node: Node | null; key: Node | null } {
    let node = this.#document.contents;
    let key: Node | null = null;
    for (const part of path) {
      const parent = this.#resolve(node);
      if (isMap(parent)) {
        const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === String(part));
        if (!pair) break;
        ({ key, value: node } = pair as Pair<Node, Node | null>);
      } else if (isSeq(parent)) {
        const item = parent.items[Number(part)];
        if (!item) break;
        node = item as Node;
        key = null;
      } else break;
    }
    return { node, key };
  }

  #resolve(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? null) : node;
  }
}

/** Reads YAML or JSON. What is wrong goes to `problems`; undefined when the text cannot be used at all. */
export function readDocument(text: string, problems: ProblemList): PositionedDocument | undefined {
  const { file, report } = problems;
  const control = /(?![\t\n\f\r\u0085])\p{Cc}/u.exec(text);
  const lines = new LineCounter();
  if (control) {
    const before = text.slice(0, control.index).split('\n');
    const place = { line: before.length, column: before.at(-1)!.length + 1 };
    const code = control[0].codePointAt(0)!.toString(16).padStart(2, '0');
    report(place, 'yaml', `not a text file: it holds the control character 0x${code}`);
    return undefined;
  }
  const document: Document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    merge: true,
    stringKeys: true,
    logLevel: 'error',
  });
  const positioned = (value: unknown): PositionedDocument =>
    new PositionedDocument({ file, text, document, lines, value });
  const here = positioned(null);
  if (!reportSyntax(document, here, report) || !reportAliases(document, here, report)) return undefined;
  try {
    return positioned(document.toJS());
  } catch (error) {
    // What the yaml package throws for aliases that multiply or contain themselves.
    if (!(error instanceof ReferenceError)) throw error;
    report({ line: 1, column: 1 }, 'yaml', `not usable: ${error.message}`);
    return undefined;
  }
}

/** Reports what the YAML parser found; false when it makes the rest doubtful. */
function reportSyntax(document: Document, at: PositionedDocument, report: Report): boolean {
  let isUsable = true;
  const seen = new Set<number>();
  for (const problem of [...document.errors, ...document.warnings]) {
    const [offset] = problem.pos;
    if (seen.has(offset)) continue;
    seen.add(offset);
    if (problem.code === 'DUPLICATE_KEY') {
      const [key] = /^"[^"\n]*"|^'[^'\n]*'|^[^:\s]+/.exec(at.text.slice(offset)) ?? [''];
      report(
        at.placeOf(offset),
        'yaml',
        `key "${key.replaceAll(/^["']|["']$/g, '')}" stands twice in this mapping`,
      );
      continue;
    }
    isUsable = false;
    const message =
      problem.code === 'MULTIPLE_DOCS'
        ? 'a second document starts here: a file holds one'
        : `not valid YAML: ${problem.message}`;
    report(at.placeOf(offset), 'yaml', message);
  }
  return isUsable;
}

function reportAliases(document: Document, at: PositionedDocument, report: Report): boolean {
  let isUsable = true;
  visit(document, {
    Alias: (_key: unknown, alias: Alias) => {
      if (alias.resolve(document)) return;
      isUsable = false;
      const place = at.placeOf(alias.range?.[0] ?? 0);
      report(place, 'yaml', `nothing above is anchored as "&${alias.source}"`);
    },
  });
  return isUsable;
}
