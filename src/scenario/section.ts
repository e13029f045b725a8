import { parseSize } from '../units/pages.ts';
import type { Place, Report } from './place.ts';
import type { Path, PositionedDocument } from './positioned-document.ts';
import type { SizeSource } from './source-types.ts';
import type { Problem } from './types.ts';

/** A part of a document that is being checked: a whole machine file, or the machine inside a scenario. */
export class Section {
  readonly #document: PositionedDocument;
  readonly #base: Path;
  readonly #report: Report;

  constructor(config: { document: PositionedDocument; base: Path; report: Report }) {
    this.#document = config.document;
    this.#base = config.base;
    this.#report = config.report;
  }

  /** Reports what is wrong with the value at a path below the section's own (or with its key). */
  complain(path: Path, reason: Problem['reason'], message: string, at: 'key' | 'value' = 'value'): void {
    const whole = [...this.#base, ...path];
    this.#report(this.#document.place(whole, at), reason, this.#document.about(whole, message));
  }

  /** Where the value at a path below the section's own stands. */
  place(path: Path): Place {
    return this.#document.place([...this.#base, ...path]);
  }

  /** Bytes of a size; `fallback` when it is absent; NaN, which no later comparison finds fault with, when it cannot be read. */
  size(path: Path, source: SizeSource | undefined, fallback: number = 0): number {
    if (source === undefined) return this.#isWritten(path) ? Number.NaN : fallback;
    const bytes = typeof source === 'number' ? source : parseSize(source);
    if (bytes !== undefined && Number.isSafeInteger(bytes)) return bytes;
    this.complain(path, 'range', `${source} is larger than anything that can be counted here`);
    return Number.NaN;
  }

  /** Whether the file has something at the path, usable or not. */
  #isWritten(path: Path): boolean {
    return this.#document.has([...this.#base, ...path]);
  }
}
