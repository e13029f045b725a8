import { randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileErrorWords, InputError } from './input-error.ts';
import { onInterrupt } from './interrupt.ts';
import { whyNotOurs } from './is-our-report.ts';

/**
 * A report that comes into being: files are written into a hidden directory beside the place they are meant for, which takes
 * that place in one move when all are there. An older report is replaced; anything else is never touched.
 */
export class ReportDirectory {
  /** Where the report will be, as the user named it. */
  readonly name: string;
  readonly #target: string;
  readonly #partial: string;
  /** The topmost directory that had to be made for it. */
  readonly #madeParent: string | undefined;
  readonly #madeDirs: Set<string> = new Set<string>();
  readonly #forget: () => void;
  /** Files written so far. */
  fileCount = 0;

  /** Makes sure that a report can be written there. Throws InputError, with nothing left behind. */
  constructor(name: string) {
    this.name = name;
    const path = resolve(name);
    const refuse = (words: string): InputError =>
      new InputError([`can't write the report to ${name}: ${words}`]);
    try {
      this.#target = existsSync(path) ? realpathSync(path) : path;
      const reason = whyNotOurs(this.#target);
      if (reason !== null) throw refuse(reason);
      this.#madeParent = makeDirectories(dirname(this.#target));
      this.#partial = sibling(this.#target, 'partial');
    } catch (error) {
      throw error instanceof InputError ? error : refuse(fileErrorWords(error));
    }
    try {
      mkdirSync(this.#partial);
    } catch (error) {
      this.#removeParent();
      throw refuse(fileErrorWords(error));
    }
    this.#forget = onInterrupt(() => this.discard());
  }

  /**
   * Writes a file at paths below the report, with `/` between their parts. It is stored once, where the file system can give a
   * file several names: a run's trees take a tenth of the files and under half of the space then.
   */
  write(paths: readonly string[], content: string | Uint8Array): void {
    let stored: string | undefined;
    for (const path of paths) {
      const parts = path.split('/');
      if (parts.some((part) => part === '' || part === '.' || part === '..')) {
        throw new Error(`a report can't hold a file "${path}"`);
      }
      const file = `${this.#partial}/${path}`;
      this.#makeDirectory(dirname(file));
      if (stored === undefined || !linkFile(stored, file)) {
        writeFileSync(file, content);
        stored = file;
      }
      this.fileCount++;
    }
  }

  #makeDirectory(dir: string): void {
    if (dir.length <= this.#partial.length || this.#madeDirs.has(dir)) return;
    this.#makeDirectory(dirname(dir));
    mkdirSync(dir);
    this.#madeDirs.add(dir);
  }

  /** Puts the report in its place, and an older one out of the way first; resolves when that is gone. */
  async commit(): Promise<void> {
    const older = existsSync(this.#target) ? sibling(this.#target, 'older') : undefined;
    if (older !== undefined) renameSync(this.#target, older);
    try {
      renameSync(this.#partial, this.#target);
    } catch (error) {
      if (older !== undefined) renameSync(older, this.#target);
      throw error;
    }
    this.#forget();
    if (older === undefined) return;
    const forget = onInterrupt(() => rmSync(older, { recursive: true, force: true }));
    await rm(older, { recursive: true, force: true });
    forget();
  }

  /** Leaves everything as it was. */
  discard(): void {
    this.#forget();
    rmSync(this.#partial, { recursive: true, force: true });
    this.#removeParent();
  }

  /** Removes the directories made on the way, from the lowest up, while nobody put anything into them. */
  #removeParent(): void {
    if (this.#madeParent === undefined) return;
    for (let dir = dirname(this.#target); dir.length >= this.#madeParent.length; dir = dirname(dir)) {
      if (readdirSync(dir).length > 0) return;
      rmdirSync(dir);
    }
  }
}

/**
 * Makes a directory and those above it; the topmost one made, or undefined. (Node's own `recursive` never ends where a
 * directory can't hold others, as in /proc.)
 */
function makeDirectories(path: string): string | undefined {
  if (existsSync(path)) return undefined;
  const above = makeDirectories(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if (above !== undefined) rmSync(above, { recursive: true });
    throw error;
  }
  return above ?? path;
}

/** Gives a file one more name; false where the file system has no such thing, or the file has as many names as it can have. */
function linkFile(file: string, name: string): boolean {
  try {
    linkSync(file, name);
    return true;
  } catch (error) {
    if (NO_LINK.has((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}

const NO_LINK: ReadonlySet<string | undefined> = new Set([
  'EMLINK',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EPERM',
]);

const sibling = (path: string, what: string): string =>
  join(dirname(path), `.${basename(path)}.${what}-${randomBytes(4).toString('hex')}`);
