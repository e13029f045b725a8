import { judgeAfterHandover, judgeNoDoubleCount, judgeRightMemcg } from './judge-charging.ts';
import { judgeCost } from './judge-cost.ts';
import { judgeMovable, judgePlacement } from './judge-placement.ts';
import { judgeNoVma, judgeVisiblePerNode, judgeVisiblePerProcess } from './judge-visibility.ts';
import type { Requirement } from './requirement-types.ts';

/** What was asked of a solution in public discussions, in the order of the scorecard. */
export const REQUIREMENTS: readonly Requirement[] = [
  {
    id: 'visible-per-process',
    title: 'Visible per process',
    demand: 'The memory of a guest shows up in the process that runs it, in the files that people look at.',
    threads: ['rfc-v11-report', 'rfc-v11-usage', 'snp-confusion'],
    judge: judgeVisiblePerProcess,
  },
  {
    id: 'visible-per-node',
    title: 'Visible per node',
    demand: 'For each process it can be seen which node holds how much of its guest.',
    threads: ['rfc-v11-report'],
    judge: judgeVisiblePerNode,
  },
  {
    id: 'right-memcg',
    title: 'Charged to the right memcg',
    demand: 'Limits depend on the charge, so it goes to the group whose guest uses the memory.',
    threads: ['rfc-v11-accounting'],
    judge: judgeRightMemcg,
  },
  {
    id: 'no-double-count',
    title: 'No double count during conversion',
    demand: 'While memory changes between private and shared, no page is counted twice.',
    threads: ['in-place', 'rfc-v11-usage'],
    judge: judgeNoDoubleCount,
  },
  {
    id: 'after-handover',
    title: 'Correct after fd passing and VM exit',
    demand:
      'Numbers stay right when another process holds the descriptor, and when the VM or its process ends.',
    threads: ['memlock', 'rfc-v11-usage'],
    judge: judgeAfterHandover,
  },
  {
    id: 'placement-per-backend',
    title: 'Placement per backend',
    demand: 'The VMM says for each backend on which nodes its memory belongs, and there it goes.',
    threads: ['fbind', 'numa-policy'],
    judge: judgePlacement,
  },
  {
    id: 'movable',
    title: 'Movable',
    demand: 'Compaction, offlining and the like can move the pages.',
    threads: ['migration'],
    judge: judgeMovable,
  },
  {
    id: 'no-vma',
    title: 'No VMA needed',
    demand: 'Guest memory does not depend on a mapping in the address space of the host.',
    threads: ['not-for'],
    judge: judgeNoVma,
  },
  {
    id: 'cost-per-fault',
    title: 'Cost per fault',
    demand: 'Counting adds little to each fault.',
    threads: ['rss-cost', 'rfc-v11-usage'],
    judge: judgeCost,
  },
];
