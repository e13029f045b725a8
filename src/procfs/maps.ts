import type { VmaFacts } from './facts.ts';
import { matchLine, readHex, readNumber, splitLines, type ProcLine } from './proc-text.ts';

/** What a line of maps says of a VMA; smaps has the same line as its header. */
export type MapsVma = Pick<VmaFacts, 'start' | 'end' | 'perms' | 'offset' | 'dev' | 'inode' | 'name'>;

/** Column (from 0) before which the kernel pads; one more space and the name follow. */
const NAME_COLUMN = 72;

const hex8 = (value: number): string => value.toString(16).padStart(8, '0');

/** Prints the maps line of a VMA, without newline. A nameless VMA's line ends in a space, as in Linux. */
export function renderMapsLine(vma: MapsVma): string {
  const head = `${hex8(vma.start)}-${hex8(vma.end)} ${vma.perms} ${hex8(vma.offset)} ${vma.dev} ${vma.inode} `;
  return vma.name === '' ? head : `${head.padEnd(NAME_COLUMN)} ${vma.name.replaceAll('\n', '\\012')}`;
}

/** Whether a line has the form of a maps line, to tell the header of an smaps entry from its fields. */
export function isMapsLine(text: string): boolean {
  return /^[0-9a-f]{8,}-[0-9a-f]{8,} /.test(text);
}

/** Reads one maps line. */
export function parseMapsLine(line: ProcLine): MapsVma {
  const [, start, end, perms, offset, dev, inode, name] = matchLine(
    line,
    /^([0-9a-f]{8,})-([0-9a-f]{8,}) ([r-][w-][x-][sp-]) ([0-9a-f]{8,}) ([0-9a-f]+:[0-9a-f]+) (\d+) (?: *(\S.*))?$/,
    'a mapping "start-end perms offset dev inode name"',
  );
  return {
    start: readHex(line, start),
    end: readHex(line, end),
    perms: perms!,
    offset: readHex(line, offset),
    dev: dev!,
    inode: readNumber(line, inode),
    name: name!.replaceAll('\\012', '\n'),
  };
}

/** Prints /proc/PID/maps. */
export function renderMaps(vmas: readonly MapsVma[]): string {
  return vmas.map((vma) => `${renderMapsLine(vma)}\n`).join('');
}

/** Reads /proc/PID/maps. */
export function parseMaps(text: string): MapsVma[] {
  return splitLines('maps', text).map(parseMapsLine);
}
