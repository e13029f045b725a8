import { BOOT_BLOCKS, SCATTERED_BLOCKS, SCATTERED_PAGES } from './leftovers.ts';
import { type NoiseClass, PROGRAM_PAGES } from './noise.ts';

/** What the bound of an outcome depends on. */
export interface OutcomeContext {
  /** A pool of huge pages was asked for since the snapshot before. */
  asksPool: boolean;
  /** The kernel's pool has fewer huge pages than were asked for. */
  isShort: boolean;
  /** The kernel has moved more pages since the first snapshot than its own scattered ones: memory could move. */
  movesInBulk: boolean;
}

/** How much less and how much more than the kernel the model may say. */
interface Allowed {
  less: number;
  more: number;
}

/** An outcome that hangs on what boot left in memory: what a script led to, in a unit of its own. */
export interface OutcomeNoise extends Pick<NoiseClass, 'id' | 'title' | 'bound' | 'reason'> {
  /** Name of the outcome. */
  name: string;
  allows: (kernel: number, context: OutcomeContext) => Allowed;
}

const same = (bound: number): Allowed => ({ less: bound, more: bound });

/** Compaction that has begun to move pages may stop anywhere; what it moved and gained is then less than it could be. */
const mayStop = (bound: number, { movesInBulk }: OutcomeContext): Allowed => ({
  less: bound,
  more: movesInBulk ? Infinity : bound,
});

/** Every outcome that is compared in place of the last page. */
export const OUTCOME_NOISE: readonly OutcomeNoise[] = [
  {
    id: 'compaction-gain',
    title: '2 MiB blocks that compaction gains',
    bound:
      '16 blocks per node, and a quarter of what the kernel gained; no bound above where the kernel moved more than 512 pages',
    reason:
      'a block in which boot left a page that cannot move stays; and a kernel may stop early: of three boots with the same script one gained 109 blocks, two moved 7000 pages and gained none',
    name: '2 MiB blocks gained',
    allows: (kernel, context) => mayStop(SCATTERED_BLOCKS + Math.abs(kernel) / 4, context),
  },
  {
    id: 'pool-gain',
    title: 'Huge pages that a pool obtains',
    bound:
      '16 huge pages, and an eighth of what the kernel got; no bound above where the kernel moved more than 512 pages; exact where it got all that was asked for',
    reason:
      'the last huge pages come from blocks that must be emptied first, as with compaction: the same three boots got 315, 200 and 200 of 400',
    name: 'huge pages obtained',
    allows: (kernel, context) =>
      context.isShort ? mayStop(SCATTERED_BLOCKS + Math.abs(kernel) / 8, context) : same(0),
  },
  {
    id: 'pages-moved',
    title: 'Pages that compaction, a pool or offlining moved',
    bound:
      '512 pages, a quarter of what the kernel moved, and 8192 for a pool; no bound above where the kernel moved more than 512 pages',
    reason:
      'pages of the system move along, each of the 16 blocks by which a pool may differ takes up to 512 moves, and compaction may stop early',
    name: 'pages moved',
    allows: (kernel, context) =>
      mayStop(
        SCATTERED_PAGES + Math.abs(kernel) / 4 + (context.asksPool ? SCATTERED_BLOCKS * SCATTERED_PAGES : 0),
        context,
      ),
  },
  {
    id: 'boot-blocks',
    title: 'Memory blocks that boot keeps',
    bound: '2 blocks',
    reason: "a block that holds memory of the kernel itself can't go offline; which do is decided at boot",
    name: 'blocks offline',
    allows: () => same(BOOT_BLOCKS),
  },
  {
    id: 'oom-tie',
    title: 'The first of equal victims',
    bound: `processes of the same oom_score_adj that differ by ${PROGRAM_PAGES} pages or less as they are killed; nothing after the snapshot before is compared`,
    reason:
      'the OOM killer takes the largest, if only by a page, and what a worker has of its own program and stack is no part of the scenario',
    name: 'killed first',
    allows: () => same(0),
  },
  {
    id: 'oom-race',
    title: 'Victims after the first',
    bound: 'the first victim is compared; where others differ, nothing after the snapshot before is',
    reason:
      'a victim is uncharged while others go on allocating: whether a second one must die is a race that one kernel decides both ways',
    name: 'killed after the first',
    allows: () => same(0),
  },
];

/** How a model's outcome compares with the kernel's. */
export function judgeOutcome(
  name: string,
  { kernel, model }: { kernel: number; model: number | null },
  context: OutcomeContext,
): { judgement: 'exact' | 'off' | readonly string[]; isIdle: boolean } {
  const noise = OUTCOME_NOISE.find((one) => one.name === name);
  if (!noise) throw new Error(`no outcome is called "${name}"`);
  const { less, more } = noise.allows(kernel, context);
  const isWithin = model !== null && model >= kernel - less && model <= kernel + more;
  return {
    judgement: model === kernel ? 'exact' : isWithin ? [noise.id] : 'off',
    // A model that does nothing would be off.
    isIdle: kernel <= less,
  };
}
