import type { Problem } from './types.ts';

/** A file as its reader hands it over; `file` is the path that messages show. */
export interface SourceFile {
  file: string;
  text: string;
}

/** What came of a file: the thing itself, or everything that is wrong with it in reading order. */
export type Loaded<T> = T | { problems: Problem[] };
