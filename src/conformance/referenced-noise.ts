import type { SmapsVma } from '../procfs/smaps.ts';
import type { Step } from '../scenario/types.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import type { NoiseClass } from './noise.ts';

/** Pages of a mapping, or of a process, whose mark of a use is left to chance. */
export interface ReferencedByChance {
  /** Not used as far as the model knows, but a page that the kernel's monitor may have looked at. */
  monitored: number;
  /** May have completed a batch of locked pages. */
  batched: number;
}

export const NOT_BY_CHANCE: ReferencedByChance = { monitored: 0, batched: 0 };

/** Pages that a CPU collects before it puts them on the unevictable list (PAGEVEC_SIZE). */
const LOCK_BATCH = 31;

/** What a script and a kernel leave to chance. */
export interface ReferencedConditions {
  /** 6.18 and 7.3 do (CONFIG_DAMON_STAT_ENABLED_DEFAULT). */
  monitors: boolean;
  /** Steps lock memory. */
  locks: boolean;
  /** Steps let memory have huge pages. */
  hasHuge: boolean;
}

export const locksMemory = ({ verb }: Step): boolean => verb === 'mlock' || verb === 'mlockall';

export const asksForHuge = (step: Step): boolean =>
  (step.verb === 'madvise' && (step.args.advice === 'hugepage' || step.args.advice === 'collapse')) ||
  (step.verb === 'write' && /\/transparent_hugepage\/(shmem_)?enabled$/.test(step.args.path));

/** How many pages of a mapping, or of a process, chance may call referenced or not, by what both sides say of it. */
export function referencedByChance(
  { monitors, locks, hasHuge }: ReferencedConditions,
  kernel: SmapsVma['smaps'],
  model: SmapsVma['smaps'],
): ReferencedByChance {
  const unused = (model.rss - model.referenced) / PAGE_SIZE;
  const huge = hasHuge ? unused : Math.min(kernel.anonHuge / PAGE_SIZE, unused);
  const single = unused - huge;
  return {
    monitored: monitors ? huge + Math.min(single, 16 + Math.floor(single / 16)) : 0,
    batched: locks ? Math.ceil(model.referenced / PAGE_SIZE / LOCK_BATCH) : 0,
  };
}

const FIELDS = [
  { fieldClass: 'smaps', names: /^Referenced$/ },
  { fieldClass: 'smaps_rollup', names: /^Referenced$/ },
] as const;

/** Marks of a use that no step explains. */
export const REFERENCED_NOISE: readonly NoiseClass[] = [
  {
    id: 'monitored-memory',
    title: 'Pages that the monitor of kernels 6.18 and 7.3 has looked at',
    bound:
      'of what the model calls unused, 16 pages and a sixteenth, and the anonymous huge pages of the mapping (AnonHugePages); all where a step has asked for huge pages; none on 6.12',
    reason:
      'DAMON_STAT runs by default since 6.17: it picks pages at random all the time and takes over their accessed bits, so that a page that the parent has used counts for its child, too, and a huge one that single entries map counts as a whole, which no report shows; a kernel booted with damon_stat.enabled=N shows none of it',
    fields: FIELDS,
    pages: ({ referenced }) => referenced.monitored,
  },
  {
    id: 'mlock-batches',
    title: 'Locked pages that complete a batch',
    bound: 'one in 31 of the pages that count as referenced, once a step has locked memory',
    reason:
      'every 31st page that mlock faults in is on the unevictable list before it is marked, and stays unmarked, which shows where only that mark says that a page is in use: in a child; the model keeps no mark for each page',
    fields: FIELDS,
    pages: ({ referenced }) => referenced.batched,
  },
];
