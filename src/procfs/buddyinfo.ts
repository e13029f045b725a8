import type { NodeFacts } from './facts.ts';
import { matchLine, readNumber, splitLines } from './proc-text.ts';

/** A line of /proc/buddyinfo: free blocks per order of one populated zone. */
export interface BuddyLine {
  nid: number;
  zone: string;
  freeByOrder: number[];
}

/** The lines of /proc/buddyinfo: zones without pages have none. */
export function buddyinfoOf(nodes: readonly NodeFacts[]): BuddyLine[] {
  return nodes.flatMap((node) =>
    node.zones
      .filter((zone) => zone.presentPages > 0)
      .map((zone) => ({ nid: node.nid, zone: zone.name, freeByOrder: [...zone.freeByOrder] })),
  );
}

/** Prints /proc/buddyinfo. */
export function renderBuddyinfo(lines: readonly BuddyLine[]): string {
  return lines
    .map((line) => {
      const counts = line.freeByOrder.map((blocks) => `${String(blocks).padStart(6)} `).join('');
      return `Node ${line.nid}, zone ${line.zone.padStart(8)} ${counts}\n`;
    })
    .join('');
}

/** Reads /proc/buddyinfo. */
export function parseBuddyinfo(text: string): BuddyLine[] {
  return splitLines('buddyinfo', text).map((line) => {
    const [, nid, zone, counts] = matchLine(
      line,
      /^Node (\d+), zone +(\S+) ((?: *\d+ )*)$/,
      '"Node n, zone Z" and counts',
    );
    return {
      nid: readNumber(line, nid),
      zone: zone!,
      freeByOrder: counts!
        .split(/ +/)
        .filter((part) => part !== '')
        .map((part) => readNumber(line, part)),
    };
  });
}
