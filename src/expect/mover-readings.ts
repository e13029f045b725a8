import { sum } from '../analysis/node-lists.ts';
import type { MovedFile, MoverRecord } from '../result/types.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import type { MigrateReason } from '../units/migration.ts';
import type { ReadingKind, Seen } from './reading.ts';

const REASONS: Readonly<Record<MigrateReason, true>> = {
  compaction: true,
  'memory-failure': true,
  'memory-hotplug': true,
  syscall: true,
  'mempolicy-mbind': true,
  'numa-misplaced': true,
};

/** Records of movers up to a snapshot, or of the whole run. */
const records = ({ run, snapshot }: Seen): MoverRecord[] =>
  (run.movers ?? []).filter(({ step }) => !snapshot || step <= snapshot.step);

function ofFiles(words: string, pagesOf: (file: MovedFile) => number): ReadingKind {
  return {
    usage: `${words} OBJECT [by ${Object.keys(REASONS).join(' | ')}]`,
    of: 'either',
    parse(rest) {
      const name = rest.take('the object', rest.names.objects);
      const reason = rest.takeWord('by') ? rest.take('the mover', Object.keys(REASONS)) : null;
      return {
        unit: 'bytes',
        read: (seen) =>
          PAGE_SIZE *
          sum(
            records(seen)
              .flatMap(({ files }) => files)
              .filter((file) => file.object === name && (reason === null || file.reason === reason))
              .map(pagesOf),
          ),
      };
    },
  };
}

/** `moved OBJECT`: how much of a file of private memory movers have moved; a page that moved twice counts twice. */
export const MOVED_READING: ReadingKind = ofFiles('moved', ({ movedPages }) => movedPages);

/** `not-moved OBJECT`: how much of it movers found and could not move, each time. */
export const NOT_MOVED_READING: ReadingKind = ofFiles('not-moved', ({ failedPages }) => failedPages);

const GAINS: Readonly<
  Record<string, { unit: 'count' | 'bytes'; perNode: ((record: MoverRecord) => number[]) | null }>
> = {
  'huge-blocks': { unit: 'count', perNode: ({ gainedHugeBlocks }) => gainedHugeBlocks },
  'offline-blocks': { unit: 'count', perNode: ({ offlinedBlocks }) => offlinedBlocks },
  'on-policy': { unit: 'bytes', perNode: null },
};

/** `gained WHAT`: what steps that moved pages brought. */
export const GAINED_READING: ReadingKind = {
  usage:
    'gained huge-blocks [node N] (free blocks of 2 MiB) | offline-blocks [node N] (memory blocks that went offline) | on-policy (private memory that came where the VMM wished)',
  of: 'either',
  parse(words) {
    const what = words.take('the gain', Object.keys(GAINS));
    const { unit, perNode } = GAINS[what]!;
    const nid = perNode ? words.takeNodePart() : null;
    return {
      unit,
      read: (seen) =>
        sum(
          records(seen).map((record) => {
            if (!perNode) return record.rehomedPages * PAGE_SIZE;
            return nid === null ? sum(perNode(record)) : (perNode(record)[nid] ?? 0);
          }),
        ),
    };
  },
};
