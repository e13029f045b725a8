import type { Snapshot } from '../result/types.ts';

/** A name as a directory's: what file systems or globs might not take is percent-encoded, so that names never meet. */
export function dirName(name: string): string {
  const encoded = name.replace(/[^\w.,+={}-]/gu, percentEncoded);
  return encoded.startsWith('.') ? `%2E${encoded.slice(1)}` : encoded;
}

/** Directories of a strategy's snapshots, in order. A label that comes back is `label~2`. */
export function snapshotDirs(snapshots: readonly Pick<Snapshot, 'label'>[]): string[] {
  const seen = new Map<string, number>();
  return snapshots.map(({ label }) => {
    const nth = (seen.get(label) ?? 0) + 1;
    seen.set(label, nth);
    return nth > 1 ? `${dirName(label)}~${nth}` : dirName(label);
  });
}

const percentEncoded = (character: string): string =>
  [...new TextEncoder().encode(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
