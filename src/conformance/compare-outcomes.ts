import { parseBuddyinfo } from '../procfs/buddyinfo.ts';
import type { StepResult } from '../result/types.ts';
import type { Step } from '../scenario/types.ts';
import { isOfflining, type AskedOfMemory } from './asked-of-memory.ts';
import { nodesIn, type RecordedStep, type SnapshotFiles } from './capture.ts';
import { isShort, pagesMoved, poolPages, SCATTERED_PAGES } from './leftovers.ts';
import { judgeOutcome, type OutcomeContext } from './outcome-noise.ts';
import type { Tally } from './tally.ts';

/** One side at a snapshot and at the one before. */
interface SideFiles {
  before: SnapshotFiles;
  now: SnapshotFiles;
}

/** The outcomes of what was asked between two snapshots, on both sides. */
export interface OutcomeComparison {
  asked: AskedOfMemory;
  kernel: SideFiles;
  model: SideFiles;
  /** The kernel's files at the first snapshot of the capture. */
  first: SnapshotFiles;
}

/** Order of a 2 MiB block. */
const PMD_ORDER = 9;

/**
 * Compares what compaction, pools of huge pages and offlining led to, where what boot left in memory decides over the last page.
 * An outcome that the capture does not hold is left out; one that only the model lacks is off.
 */
export function compareOutcomes(tally: Tally, { asked, kernel, model, first }: OutcomeComparison): void {
  const nids = nodesIn(kernel.now);
  const context: OutcomeContext = {
    asksPool: asked.pools.length > 0,
    isShort: asked.pools.some((pool) => isShort(pool, kernel.now)),
    movesInBulk: (pagesMoved(kernel.now) ?? 0) - (pagesMoved(first) ?? 0) > SCATTERED_PAGES,
  };
  const add = (name: string, nid: number | null, read: (files: SnapshotFiles) => number | null): void => {
    const change = ({ before, now }: SideFiles): number | null => {
      const [past, present] = [read(before), read(now)];
      return past === null || present === null ? null : present - past;
    };
    const field = nid === null ? name : `${name} on node ${nid}`;
    addOutcome(tally, { name, field, kernel: change(kernel), model: change(model), context });
  };
  if (asked.compacts) {
    for (const nid of nids) add('2 MiB blocks gained', nid, (files) => freeBlocks(files, nid));
  }
  if (asked.pools.length > 0) {
    for (const nid of nids) add('huge pages obtained', nid, (files) => poolPages(files, nid));
  }
  if (asked.compacts || asked.offlines || asked.pools.length > 0) add('pages moved', null, pagesMoved);
}

/** Free memory of a node in whole 2 MiB blocks; null where the snapshot has no buddyinfo. */
function freeBlocks(files: SnapshotFiles, nid: number): number | null {
  const text = files.get('sys/buddyinfo');
  if (text === undefined) return null;
  let blocks = 0;
  for (const line of parseBuddyinfo(text)) {
    if (line.nid !== nid) continue;
    line.freeByOrder.forEach((count, order) => {
      if (order >= PMD_ORDER) blocks += count * 2 ** (order - PMD_ORDER);
    });
  }
  return blocks;
}

/** Compares how many memory blocks the offline steps of a script took away. */
export function compareOfflining(
  tally: Tally,
  steps: readonly Step[],
  recorded: readonly RecordedStep[],
  results: readonly StepResult[],
): void {
  recorded.forEach((kernel, at) => {
    const step = steps[at];
    if (!step || !isOfflining(step) || step.verb === 'online') return;
    tally.at({ step: kernel.n, snapshot: null, where: kernel.step });
    const model = results[at];
    addOutcome(tally, {
      name: 'blocks offline',
      field: 'blocks offline',
      kernel: blocksOffline(kernel.errno, kernel.msg),
      model: model ? blocksOffline(model.errno, model.message) : null,
    });
  });
}

/** `ok=N` of a step that tried every block of a node; for a step about one block: whether it went. */
function blocksOffline(errno: string, message: string): number {
  const ok = /\bok=(\d+)/.exec(message)?.[1];
  return ok === undefined ? Number(errno === '') : Number(ok);
}

/** What says nothing on pools and moved pages. */
const NO_CONTEXT: OutcomeContext = { asksPool: false, isShort: false, movesInBulk: false };

interface Outcome {
  name: string;
  field: string;
  kernel: number | null;
  model: number | null;
  context?: OutcomeContext;
}

function addOutcome(tally: Tally, { name, field, kernel, model, context = NO_CONTEXT }: Outcome): void {
  if (kernel === null) return;
  const words = (count: number): string => `${field}: ${count}`;
  const { judgement, isIdle } = judgeOutcome(name, { kernel, model }, context);
  tally.add(
    {
      fieldClass: 'outcomes',
      field,
      name,
      kernel: words(kernel),
      model: model === null ? null : words(model),
      isIdle,
    },
    judgement,
  );
}
