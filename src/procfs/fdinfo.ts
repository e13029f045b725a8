import type { FdFacts } from './facts.ts';
import { addOnce, matchLine, splitLines } from './proc-text.ts';

/** What fdinfo says of a descriptor: the kernel's four lines, then those of the file or of an accounting design. */
export function fdinfoOf(fd: FdFacts): Map<string, string> {
  return new Map([
    ['pos', '0'],
    ['flags', fd.flagsOctal],
    ['mnt_id', String(fd.mntId)],
    ['ino', String(fd.inode)],
    ...fd.extra.map(({ key, value }): [string, string] => [key, value]),
  ]);
}

/** Prints /proc/PID/fdinfo/N. */
export function renderFdinfo(info: ReadonlyMap<string, string>): string {
  let text = '';
  for (const [key, value] of info) text += `${key}:\t${value}\n`;
  return text;
}

/** Reads /proc/PID/fdinfo/N into the texts by key. */
export function parseFdinfo(text: string): Map<string, string> {
  const info = new Map<string, string>();
  for (const line of splitLines('fdinfo', text)) {
    const [, key, value] = matchLine(line, /^([^:\t]+):\t(.*)$/, '"key:<tab>value"');
    addOnce(info, line, key!, value!);
  }
  return info;
}
