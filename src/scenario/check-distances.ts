import type { Draft } from './draft.ts';
import type { Section } from './section.ts';

const LOCAL_DISTANCE = 10;
const REMOTE_DISTANCE = 20;
/** 255 means unreachable in a SLIT. */
const MAX_DISTANCE = 254;

/** SLIT distances of `count` nodes: square, 10 on the diagonal, symmetric. Absent: 10 and 20. */
export function checkDistances(
  source: Draft<number[][]> | undefined,
  count: number,
  section: Section,
): number[][] {
  const rows =
    source ??
    Array.from({ length: count }, (_, from) =>
      Array.from({ length: count }, (_, to) => (from === to ? LOCAL_DISTANCE : REMOTE_DISTANCE)),
    );
  if (rows.length !== count) {
    section.complain(['distances'], 'range', `${rows.length} rows for ${count} nodes: one row for each node`);
  }
  rows.forEach((row, from) => {
    if (!row) return;
    if (row.length !== count) {
      const words = `${row.length} distances for ${count} nodes: one for each node`;
      section.complain(['distances', from], 'range', words);
      return;
    }
    row.forEach((distance, to) => {
      const message = distance === undefined ? null : wrongDistance(rows, from, to, distance);
      if (message !== null) section.complain(['distances', from, to], 'range', message);
    });
  });
  return rows as number[][];
}

function wrongDistance(rows: Draft<number[][]>, from: number, to: number, distance: number): string | null {
  if (from === to) {
    if (distance === LOCAL_DISTANCE) return null;
    return `${distance} is no distance of a node to itself: that is ${LOCAL_DISTANCE}`;
  }
  if (distance <= LOCAL_DISTANCE || distance > MAX_DISTANCE) {
    return `${distance} is no distance between two nodes: ${LOCAL_DISTANCE + 1} to ${MAX_DISTANCE}`;
  }
  const back = rows[to]?.[from];
  if (from < to || back === undefined || back === distance) return null;
  return `${distance} from node ${from} to node ${to}, but ${back} the other way: both must be the same`;
}
