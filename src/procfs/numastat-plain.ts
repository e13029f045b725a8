import type { NumaEvents } from './facts.ts';
import { badLine, matchLine, readNumber, splitLines } from './proc-text.ts';

/** What `numastat` without options prints: allocation events in pages, a column per node. */
export interface NumastatPlain {
  nids: number[];
  /** Values by node, in the order of `nids`. */
  rows: { name: string; pages: number[] }[];
}

const WIDTH = 16;

/** What the tool makes of the nodes' numastat files. */
export function numastatPlainOf(nodes: readonly { nid: number; events: NumaEvents }[]): NumastatPlain {
  const names = Object.keys(nodes[0]?.events ?? {}) as (keyof NumaEvents)[];
  return {
    nids: nodes.map(({ nid }) => nid),
    rows: names.map((name) => ({ name, pages: nodes.map(({ events }) => events[name]) })),
  };
}

/** Prints it. */
export function renderNumastatPlain({ nids, rows }: NumastatPlain): string {
  const line = (label: string, cells: readonly string[]): string =>
    `${label.padEnd(WIDTH)}${cells.map((cell) => cell.padStart(WIDTH)).join('')}\n`;
  const heads = nids.map((nid) => `node${nid}`);
  return [line('', heads), ...rows.map(({ name, pages }) => line(name, pages.map(String)))].join('');
}

/** Reads it. */
export function parseNumastatPlain(text: string): NumastatPlain {
  const [header, ...lines] = splitLines('numastat', text);
  if (!header) return { nids: [], rows: [] };
  const [, heads] = matchLine(header, /^ {16}((?: *node\d+)+)$/, 'a column per node');
  const nids = heads!
    .split(/ *node/)
    .slice(1)
    .map((nid) => readNumber(header, nid));
  return {
    nids,
    rows: lines.map((line) => {
      const [, name, cells] = matchLine(line, /^(\w+)((?: +\d+)*)$/, 'a name and a number per node');
      const pages = cells!
        .trim()
        .split(/ +/)
        .map((cell) => readNumber(line, cell));
      if (pages.length !== nids.length) throw badLine(line, `expected ${nids.length} values`);
      return { name: name!, pages };
    }),
  };
}
