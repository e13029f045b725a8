import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkPart, type CheckedPart } from '../strategy/check-part.ts';

/** Loads a user's part: the default export of a JavaScript module. */
export async function loadPartFile(file: string): Promise<CheckedPart> {
  const path = resolve(file);
  if (!existsSync(path)) return { problems: [`${file}: no such file`] };
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (error) {
    return { problems: [`${file}: ${loadErrorWords(error)}`] };
  }
  return checkPart(module.default, file);
}

function loadErrorWords(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' || code === 'ERR_UNSUPPORTED_DIR_IMPORT') {
    return 'is no JavaScript module; name a .js or .mjs file (of TypeScript, what the compiler makes of it)';
  }
  return `can't be loaded: ${name}: ${message}`;
}
