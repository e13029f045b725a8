import { addOnce, badLine, matchLine, readNumber, splitLines, type ProcLine } from './proc-text.ts';
import type { Counters } from './key-values.ts';

/** The free list that one CPU keeps of a zone. */
export interface Pageset {
  cpu: number;
  fields: Counters;
  threshold: number;
}

/** What zoneinfo says of a zone that has pages. */
export interface PopulatedZone {
  counters: Counters;
  pagesets: Pageset[];
  tail: Counters;
}

/** One zone of /proc/zoneinfo: pages throughout. */
export interface ZoneinfoZone {
  nid: number;
  name: string;
  /** Per-node counters: the first populated zone of a node has them. */
  nodeStats: Counters | null;
  free: number;
  /** boost, min, low, high, promo, spanned, present, managed, cma. */
  limits: Counters;
  /** lowmem_reserve: pages kept from allocations that could also have used a higher zone. */
  protection: number[];
  populated: PopulatedZone | null;
}

/** Width of the labels at the end of a zone. */
const TAIL_WIDTH = 21;

function renderCounters(counters: ReadonlyMap<string, number>, indent: string, width: number): string {
  let text = '';
  for (const [name, value] of counters) text += `${indent}${name.padEnd(width)} ${value}\n`;
  return text;
}

function renderLabels(counters: ReadonlyMap<string, number>, indent: string, width: number): string {
  let text = '';
  for (const [name, value] of counters)
    text += `${indent}${`${name}:`.padEnd(width)}${value}
`;
  return text;
}

/** A CPU's labels are as wide as the longest that the kernel version has. */
function renderPageset(set: Pageset): string {
  const width = Math.max(...[...set.fields.keys()].map((name) => name.length)) + 2;
  return `    cpu: ${set.cpu}
${renderLabels(set.fields, '              ', width)}  vm stats threshold: ${set.threshold}
`;
}

function renderZone(zone: ZoneinfoZone): string {
  let text = `Node ${zone.nid}, zone ${zone.name.padStart(8)}\n`;
  if (zone.nodeStats) text += `  per-node stats\n${renderCounters(zone.nodeStats, '      ', 12)}`;
  text += `  pages free     ${zone.free}\n${renderCounters(zone.limits, '        ', 8)}`;
  text += `        protection: (${zone.protection.join(', ')})\n`;
  if (!zone.populated) return text;
  text += `${renderCounters(zone.populated.counters, '      ', 12)}  pagesets\n`;
  text += zone.populated.pagesets.map(renderPageset).join('');
  return text + renderLabels(zone.populated.tail, '  ', TAIL_WIDTH);
}

/** Prints /proc/zoneinfo. */
export function renderZoneinfo(zones: readonly ZoneinfoZone[]): string {
  return zones.map(renderZone).join('');
}

/** Walks the lines of one zone. */
interface Cursor {
  lines: readonly ProcLine[];
  at: number;
}

function take(cursor: Cursor, pattern: RegExp, expected: string): { line: ProcLine; groups: string[] } {
  const line = cursor.lines[cursor.at];
  if (!line) throw badLine(cursor.lines[0]!, `the zone ends before ${expected}`);
  cursor.at++;
  return { line, groups: matchLine(line, pattern, expected) };
}

/** Takes all the lines from here on that match; group 1 is the name and group 2 the number. */
function takeCounters(cursor: Cursor, pattern: RegExp): Counters {
  const counters: Counters = new Map();
  for (let line = cursor.lines[cursor.at]; line; line = cursor.lines[++cursor.at]) {
    const match = pattern.exec(line.text);
    if (!match) break;
    addOnce(counters, line, match[1]!, readNumber(line, match[2]));
  }
  return counters;
}

function nextIs(cursor: Cursor, text: string): boolean {
  return cursor.lines[cursor.at]?.text.startsWith(text) ?? false;
}

function parsePopulated(cursor: Cursor): PopulatedZone {
  const counters = takeCounters(cursor, /^ {6}(\w+) +(-?\d+)$/);
  take(cursor, /^ {2}pagesets$/, '"pagesets"');
  const pagesets: Pageset[] = [];
  while (nextIs(cursor, '    cpu: ')) {
    const cpu = take(cursor, /^ {4}cpu: (\d+)$/, 'a CPU');
    const fields = takeCounters(cursor, /^ {14}(\w+): +(\d+)$/);
    const threshold = take(cursor, /^ {2}vm stats threshold: (\d+)$/, '"vm stats threshold: N"');
    pagesets.push({
      cpu: readNumber(cpu.line, cpu.groups[1]),
      fields,
      threshold: readNumber(threshold.line, threshold.groups[1]),
    });
  }
  return { counters, pagesets, tail: takeCounters(cursor, /^ {2}(\w+): +(\d+)$/) };
}

function parseZone(lines: readonly ProcLine[]): ZoneinfoZone {
  const cursor: Cursor = { lines, at: 0 };
  const header = take(cursor, /^Node (\d+), zone +(\S+)$/, '"Node n, zone Z"');
  let nodeStats: Counters | null = null;
  if (nextIs(cursor, '  per-node stats')) {
    cursor.at++;
    nodeStats = takeCounters(cursor, /^ {6}(\w+) +(-?\d+)$/);
  }
  const free = take(cursor, /^ {2}pages free +(\d+)$/, '"pages free N"');
  const limits = takeCounters(cursor, /^ {8}(\w+) +(\d+)$/);
  const protection = take(cursor, /^ {8}protection: \((\d+(?:, \d+)*)\)$/, '"protection: (…)"');
  const populated = cursor.at < lines.length ? parsePopulated(cursor) : null;
  const extra = lines[cursor.at];
  if (extra) throw badLine(extra, 'unknown line of a zone');
  return {
    nid: readNumber(header.line, header.groups[1]),
    name: header.groups[2]!,
    nodeStats,
    free: readNumber(free.line, free.groups[1]),
    limits,
    protection: protection.groups[1]!.split(', ').map((pages) => readNumber(protection.line, pages)),
    populated,
  };
}

/** Reads /proc/zoneinfo. */
export function parseZoneinfo(text: string): ZoneinfoZone[] {
  const zones: ProcLine[][] = [];
  for (const line of splitLines('zoneinfo', text)) {
    if (line.text.startsWith('Node ')) zones.push([line]);
    else if (zones.length === 0) throw badLine(line, 'expected "Node n, zone Z"');
    else zones.at(-1)!.push(line);
  }
  return zones.map(parseZone);
}
