import type { KernelInterface } from '../analysis/types.ts';
import { type Reading, ReadingError, type ReadingWords } from './reading.ts';

/** What an interface of the comparison says of a subject, in all or on one node. */
export function ofInterface(read: KernelInterface, subject: string, words: ReadingWords): Reading {
  const nid = words.takeNodePart();
  if (nid !== null && !read.perNode) throw new ReadingError(`${read.id} has no split by node`);
  return {
    unit: 'bytes',
    read: ({ snapshot }) => {
      const reported = snapshot && read.report(snapshot.facts, subject);
      if (!reported) return null;
      const kb = nid === null ? reported.totalKb : (reported.nodesKb?.[nid] ?? 0);
      return kb * 1024;
    },
  };
}
