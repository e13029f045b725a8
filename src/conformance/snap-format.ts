import { CaptureError } from './capture.ts';

const NEWLINE = 10;
const HEADER = /^==> (.+) (\d+) <==$/;

/**
 * Reads a stored snapshot: sections of `==> PATH BYTES <==`, exactly that many bytes of the raw file, and a newline.
 * `file` is the name errors use.
 */
export function parseSnap(file: string, bytes: Uint8Array): Map<string, string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const text = (from: number, to: number): string => {
    try {
      return decoder.decode(bytes.subarray(from, to));
    } catch (cause) {
      throw Object.assign(new CaptureError(file, `byte ${from}`, 'is no UTF-8 text'), { cause });
    }
  };
  const files = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, at);
    const header = end < 0 ? null : HEADER.exec(text(at, end));
    if (!header) throw new CaptureError(file, `byte ${at}`, 'expected "==> PATH BYTES <=="');
    const path = header[1]!;
    const start = end + 1;
    const stop = start + Number(header[2]);
    if (files.has(path)) throw new CaptureError(file, `byte ${at}`, `${path} is there twice`);
    if (bytes[stop] !== NEWLINE) {
      throw new CaptureError(
        file,
        `byte ${stop}`,
        `${path} has not the ${header[2]} bytes that its header states`,
      );
    }
    files.set(path, text(start, stop));
    at = stop + 1;
  }
  return files;
}

/** Prints a stored snapshot, its files by path. */
export function renderSnap(files: ReadonlyMap<string, string>): string {
  const encoder = new TextEncoder();
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, text]) => `==> ${path} ${encoder.encode(text).length} <==\n${text}\n`)
    .join('');
}
