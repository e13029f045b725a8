import type { FdFacts, ProcessFacts } from '../procfs/facts.ts';
import { pagesToKb } from '../units/pages.ts';
import { addNodes, nodeList, sum } from './node-lists.ts';
import type { Reported } from './types.ts';

/**
 * What a design without VMAs adds to fdinfo, summed over the files of a process: `gmem_node<N>` in kB, or `gmem_pages` where
 * there is no split. Descriptors of one file (same inode) are counted once. Null when no descriptor has such a key. Throws
 * when a value is no number: the design's text is broken then, not empty.
 */
export function trackerReport({ worker, fds }: Pick<ProcessFacts, 'worker' | 'fds'>): Reported | null {
  const files = new Map<number, Reported>();
  for (const fd of fds) {
    const report = fileReport(fd, worker);
    if (report) files.set(fd.inode, report);
  }
  if (files.size === 0) return null;
  const reports = [...files.values()];
  const splits = reports.map((report) => report.nodesKb).filter((nodes) => nodes !== null);
  return {
    totalKb: sum(reports.map((report) => report.totalKb)),
    nodesKb: splits.length === reports.length ? addNodes(splits) : null,
  };
}

function fileReport({ fd, extra }: FdFacts, worker: string): Reported | null {
  const perNode: [number, number][] = [];
  let pages: number | null = null;
  for (const { key, value } of extra) {
    const nid = /^gmem_node(\d{1,4})$/.exec(key)?.[1];
    if (nid === undefined && key !== 'gmem_pages') continue;
    const digits = /^(\d+)(?: kB)?$/.exec(value)?.[1];
    if (digits === undefined) {
      throw new Error(`fdinfo/${fd} of ${worker}: ${key} is "${value}", expected a number`);
    }
    if (nid === undefined) pages = Number(digits);
    else perNode.push([Number(nid), Number(digits)]);
  }
  if (perNode.length > 0) return { totalKb: sum(perNode.map(([, kb]) => kb)), nodesKb: nodeList(perNode) };
  return pages === null ? null : { totalKb: pagesToKb(pages), nodesKb: null };
}
