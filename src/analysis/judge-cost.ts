import type { StrategyRun } from '../result/types.ts';
import { isKernelOperation } from './cost-table.ts';
import { at, moments, privateTotalKb, verdictOver } from './judge.ts';
import { sum } from './node-lists.ts';
import type { Judgement } from './requirement-types.ts';

const WRITE_LOCK = /lock for write/;
/** Operations per page that are lost among the rest. */
const FREE = 0.01;
/** A page that is counted once when it comes and once when it goes. */
const COUNTED = 2;
const KB_PER_PAGE = 4;

/**
 * Cost per fault: what the design adds for each page of private memory at its peak, by the counts of the run. Met: next to nothing; partly:
 * a page is counted when it comes and when it goes; not met: more, or a lock for writing per page.
 */
export function judgeCost(run: StrategyRun): Judgement {
  const [first, ...rest] = moments(run);
  if (!first) return verdictOver([]);
  const peak = rest.reduce((most, one) => (privateTotalKb(one) >= privateTotalKb(most) ? one : most), first);
  const pages = privateTotalKb(peak) / KB_PER_PAGE;
  const operations = Object.entries(run.counts).filter(
    ([name, count]) => !isKernelOperation(name) && count > 0,
  );
  const added = sum(operations.map(([, count]) => count)) / pages;
  const locks = sum(operations.flatMap(([name, count]) => (WRITE_LOCK.test(name) ? [count] : []))) / pages;
  const [most] = operations.toSorted(([, a], [, b]) => b - a);
  const words = `operations added per page${added >= FREE && most ? `, most of them ${most[0]}` : ''}`;
  return verdictOver([
    {
      mark: added < FREE ? 'yes' : added > COUNTED || locks >= FREE ? 'no' : 'partly',
      figure: { value: Math.round(added * 1000) / 1000, of: null, unit: 'per page', words },
      evidence: at(run, peak),
    },
  ]);
}
