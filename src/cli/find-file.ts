import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { didYouMean } from '../units/closest-name.ts';
import { fileErrorWords } from './input-error.ts';
import { datasetPath } from './package-root.ts';

/** A file that was read. */
export interface TextFile {
  /** As the user named it, or relative to the package. */
  file: string;
  text: string;
}

/** Kinds of files that the package brings along. */
export type DatasetKind = 'scenarios' | 'machines';

const EXTENSIONS: readonly string[] = ['.yaml', '.yml', '.json'];

/** Names of the package's own files of a kind, sorted. */
export function datasetNames(kind: DatasetKind): string[] {
  const dir = datasetPath(kind);
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((name) => EXTENSIONS.includes(extname(name)))
    .map((name) => basename(name, extname(name)))
    .sort();
}

/** One of the package's own files; undefined when there is none of that name. */
export function readDataset(kind: DatasetKind, name: string): TextFile | undefined {
  if (!datasetNames(kind).includes(name)) return undefined;
  const file = EXTENSIONS.map((extension) => datasetPath(kind, name + extension)).find((path) =>
    existsSync(path),
  );
  return file === undefined ? undefined : { file, text: readFileSync(file, 'utf8') };
}

/** Reads a scenario by path, or by the name of one of the package's own; else says what is wrong. */
export function readScenarioFile(given: string): TextFile | { problem: string } {
  if (!existsSync(given)) {
    const own = readDataset('scenarios', given);
    if (own) return own;
    const names = datasetNames('scenarios');
    const isName = !/[/\\.]/.test(given);
    const near = didYouMean(given, names);
    const choices = isName ? ` and no scenario of that name${near} (${names.join(', ')})` : near;
    return { problem: `${given}: no such file${choices}` };
  }
  return readText(given);
}

/** Reads a text file; else says what is wrong. */
export function readText(file: string): TextFile | { problem: string } {
  try {
    if (statSync(file).isDirectory()) return { problem: `${file}: is a directory, not a file` };
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    return { problem: `${file}: ${fileErrorWords(error)}` };
  }
}
