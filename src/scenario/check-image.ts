import { PAGE_SIZE } from '../units/pages.ts';
import type { Draft } from './draft.ts';
import type { Path } from './positioned-document.ts';
import type { Section } from './section.ts';
import type { VmaSource } from './source-types.ts';
import { nodeRange } from './steps/node-words.ts';
import type { ImageVma, Machine } from './types.ts';

const MAPS_LINE =
  /^([0-9a-f]+)-([0-9a-f]+)\s+([r-][w-][x-][ps])\s+([0-9a-f]+)\s+([0-9a-f]+:[0-9a-f]+)\s+(\d+)(?:\s+(.*))?$/;
const MAPS_WORDS = 'START-END PERMS OFFSET DEV INODE [NAME], as a line of /proc/PID/maps';
/** End of the user half of a 47-bit address space. */
const TASK_SIZE = 2 ** 47;

/** Makes a process's first VMAs. Without a machine, nodes are not checked. */
export function checkImage(
  source: Draft<VmaSource[]>,
  path: Path,
  machine: Machine | null,
  section: Section,
): ImageVma[] {
  const image: ImageVma[] = [];
  source.forEach((entry, i) => {
    const vma = checkVma(entry ?? {}, [...path, i], machine, section);
    if (!vma) return;
    const other = image.find((earlier) => vma.start < earlier.end && earlier.start < vma.end);
    if (other) {
      const range = `${other.start.toString(16)}-${other.end.toString(16)}`;
      section.complain([...path, i, 'map'], 'range', `overlaps ${range}, which is mapped already`);
    }
    image.push(vma);
  });
  return image;
}

function checkVma(
  source: Draft<VmaSource>,
  path: Path,
  machine: Machine | null,
  section: Section,
): ImageVma | null {
  const counts = source.resident ?? {};
  const resident = checkResident(counts, [...path, 'resident'], machine, section);
  const range = checkRange(source.map, [...path, 'map'], section);
  if (!range) return null;
  const total = Object.values(counts).reduce<number>((sum, count) => sum + (count ?? 0), 0);
  const pages = (range.end - range.start) / PAGE_SIZE;
  if (total > pages) {
    section.complain([...path, 'resident'], 'range', `${total} resident pages in a mapping of ${pages}`);
  }
  const hasFile = range.name !== '' && !range.name.startsWith('[');
  const anonPages = source.anon ?? (hasFile ? 0 : total);
  const share = `${anonPages} anonymous pages of ${total} resident ones`;
  if (anonPages > total) section.complain([...path, 'anon'], 'range', share);
  if (anonPages < total && !hasFile) {
    section.complain(
      [...path, 'anon'],
      'range',
      `${share}, but in a mapping without a file all are anonymous`,
    );
  }
  return { ...range, vmFlags: source.vmFlags?.split(' ') ?? [], resident, anonPages };
}

/** Takes a line of /proc/PID/maps apart. */
function checkRange(
  source: string | undefined,
  path: Path,
  section: Section,
): Pick<ImageVma, 'start' | 'end' | 'perms' | 'offset' | 'dev' | 'inode' | 'name'> | null {
  if (source === undefined) return null;
  const match = MAPS_LINE.exec(source.trim());
  if (!match) {
    section.complain(path, 'range', `${JSON.stringify(source)} does not fit: ${MAPS_WORDS}`);
    return null;
  }
  const [, startText = '', endText = '', perms = '', offsetText = '', dev = '', inode, name = ''] = match;
  const start = Number.parseInt(startText, 16);
  const end = Number.parseInt(endText, 16);
  const offset = Number.parseInt(offsetText, 16);
  const fault = rangeFault(start, end, offset);
  if (fault !== null) section.complain(path, 'range', fault);
  return fault === null ? { start, end, perms, offset, dev, inode: Number(inode), name } : null;
}

function rangeFault(start: number, end: number, offset: number): string | null {
  if (end <= start) return 'the mapping ends where it starts, or before';
  if (end > TASK_SIZE) return `the mapping ends above ${TASK_SIZE.toString(16)}, the last user address`;
  if (start % PAGE_SIZE !== 0 || end % PAGE_SIZE !== 0) return 'the mapping starts or ends inside a page';
  return offset % PAGE_SIZE === 0 ? null : 'the offset is no multiple of 4096 (1000 in hexadecimal)';
}

/** Pages per node as a dense list, one entry for each node of the machine. */
function checkResident(
  source: Readonly<Record<string, number | undefined>>,
  path: Path,
  machine: Machine | null,
  section: Section,
): number[] {
  if (!machine) return [];
  const resident = machine.nodes.map(() => 0);
  for (const [key, pages] of Object.entries(source)) {
    if (pages === undefined) continue;
    const node = machine.nodes[Number(key)];
    if (!node) {
      const words = `${key} is not a node of this machine (${nodeRange(machine.nodes.length)})`;
      section.complain([...path, key], 'reference', words, 'key');
    } else if (pages * PAGE_SIZE > node.memoryBytes) {
      section.complain([...path, key], 'range', `${pages} pages are more than node ${key} has`);
    } else resident[Number(key)] = pages;
  }
  return resident;
}
