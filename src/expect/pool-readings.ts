import type { PoolOverlap } from '../result/types.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import type { ReadingKind } from './reading.ts';

/** `both-pools OBJECT […]`: memory of a gmem that the shared pool has, too: now, the most so far, or summed over steps. */
export const BOTH_POOLS_READING: ReadingKind = {
  usage: 'both-pools OBJECT, both-pools OBJECT peak | page-steps',
  of: 'either',
  parse(words) {
    const name = words.take('the object', words.names.objects);
    const [unit, value] = words.takeWord('peak')
      ? (['bytes', ({ peakPages }: PoolOverlap) => peakPages * PAGE_SIZE] as const)
      : words.takeWord('page-steps')
        ? (['count', ({ pageSteps }: PoolOverlap) => pageSteps] as const)
        : (['bytes', ({ pages }: PoolOverlap) => pages * PAGE_SIZE] as const);
    return {
      unit,
      read: ({ run, snapshot }) => {
        const rows = (snapshot ? snapshot.truth.inBothPools : run.inBothPools) ?? [];
        return rows.filter(({ object }) => object === name).reduce((sum, row) => sum + value(row), 0);
      },
    };
  },
};
