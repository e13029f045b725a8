import type { Path } from './positioned-document.ts';

/** A value of which any part may be missing, because the schema found fault with it. */
export type Draft<T> = T extends object ? { [K in keyof T]?: Draft<T[K]> | undefined } : T;

/** A copy without the values at some paths, so that the rest can be checked further; list entries become undefined. */
export function withoutBroken(value: unknown, broken: readonly Path[]): unknown {
  const copy: unknown = structuredClone(value);
  for (const path of broken) {
    let parent = copy as Record<string, unknown> | undefined;
    for (const part of path.slice(0, -1)) parent = parent?.[part] as Record<string, unknown> | undefined;
    if (parent && path.length > 0) parent[path.at(-1)!] = undefined;
  }
  return copy;
}
