import type { MoverName, MoverRecord, StrategyRun } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { sum } from './node-lists.ts';

/** A step that had mm move pages: what it was to move of private memory, what it did, and what came of it. */
export interface MoverStep {
  step: number;
  line: number;
  text: string;
  mover: MoverName;
  /** `0`, what the call returned, or the errno. */
  outcome: string;
  message: string;
  /** Private memory that it was to move: what it was asked about, or where it picks itself what it found. */
  wantedKb: number;
  movedKb: number;
  /** Found and could not be moved, each time. */
  failedKb: number;
  /** Passed over as nothing to take. */
  passedKb: number;
  /** Gone from its file instead of moved. */
  lostKb: number;
  errnos: string[];
  /** Free blocks of 2 MiB that there are more of, over all nodes. */
  gainedHugeBlocks: number;
  offlinedBlocks: number;
  /** Came where the VMM wished, less what went elsewhere. */
  rehomedKb: number;
}

/** Movers that the script called, in order, by what the engine recorded of each. */
export function moverSteps({ steps, movers = [] }: Pick<StrategyRun, 'steps' | 'movers'>): MoverStep[] {
  const byNumber = new Map(steps.map((step) => [step.n, step]));
  return movers.flatMap((record): MoverStep[] => {
    const step = byNumber.get(record.step);
    if (!step) return [];
    const { line, mover, askedPages, lostPages, gainedHugeBlocks, offlinedBlocks, rehomedPages } = record;
    const [moved, failed, passed] = [
      pagesOf(record, 'movedPages'),
      pagesOf(record, 'failedPages'),
      pagesOf(record, 'passedPages'),
    ];
    return [
      {
        step: step.n,
        line,
        text: step.text,
        mover,
        outcome: step.ret < 0 ? step.errno : String(step.ret),
        message: step.message,
        wantedKb: pagesToKb(Math.max(askedPages ?? 0, moved + failed + passed + lostPages)),
        movedKb: pagesToKb(moved),
        failedKb: pagesToKb(failed),
        passedKb: pagesToKb(passed),
        lostKb: pagesToKb(lostPages),
        errnos: [...new Set(record.files.flatMap(({ errnos }) => errnos))],
        gainedHugeBlocks: sum(gainedHugeBlocks),
        offlinedBlocks: sum(offlinedBlocks),
        rehomedKb: pagesToKb(rehomedPages),
      },
    ];
  });
}

const pagesOf = ({ files }: MoverRecord, what: 'movedPages' | 'failedPages' | 'passedPages'): number =>
  sum(files.map((file) => file[what]));

/** Whether a block did not go off line for reasons of its own: kernel memory in it made the call fail before it looked at private pages. */
export const isBeside = ({ mover, outcome, movedKb, failedKb }: MoverStep): boolean =>
  mover === 'offlining' && outcome === 'EBUSY' && movedKb + failedKb === 0;

/** Why pages stayed where they were, in words that follow a comma; empty where none did. */
export function whyNot(tried: MoverStep): string {
  const { wantedKb, movedKb, failedKb, passedKb, lostKb, errnos } = tried;
  if (isBeside(tried)) return ', which other memory in the block stopped before';
  if (lostKb > 0) return ', dropped from the file instead';
  if (failedKb > 0) return `, refused with ${errnos.join(' and ')}`;
  if (passedKb > 0) return ', passed over';
  return movedKb < wantedKb ? ', not found by it' : '';
}
