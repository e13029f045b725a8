import type { Snapshot, StepResult, StrategyRun } from '../result/types.ts';
import { hazards, type HazardKind } from './hazards.ts';
import { agrees, at, kb, moments, said, verdictOver, type Observation } from './judge.ts';
import { sum } from './node-lists.ts';
import { NOBODY, payers } from './payers.ts';
import type { Judgement } from './requirement-types.ts';
import { isConversion, isEnd, isGmemCreated, isHandover } from './step-words.ts';
import { privateKb, truthKb } from './truth.ts';

/** Charged to the right memcg: private memory is charged to the cgroup of the one whom it serves. At the root nothing can be wrong. */
export function judgeRightMemcg(run: StrategyRun): Judgement {
  return verdictOver(
    moments(run).flatMap((snapshot): Observation[] => {
      const rows = payers(snapshot).filter(
        ({ user, privateKb: size }) => user !== NOBODY && user !== '/' && size > 0,
      );
      const total = sum(rows.map((row) => row.privateKb));
      if (total === 0) return [];
      const own = sum(rows.filter(({ isOwn }) => isOwn).map((row) => row.privateKb));
      const mark = agrees(own, total) ? 'yes' : agrees(total - own, total) ? 'no' : 'partly';
      const figure = kb(own, total, 'of private memory charged to the cgroup that it serves');
      return [{ mark, figure, evidence: at(run, snapshot), gap: total - own }];
    }),
  );
}

/**
 * No double count during conversion: from the first conversion on, neither smaps nor VmRSS with what a design shows beside it
 * (fdinfo) is more than there is.
 */
export function judgeNoDoubleCount(run: StrategyRun): Judgement {
  const first = run.steps.find(isConversion);
  if (!first) return verdictOver([]);
  return verdictOver(
    moments(run)
      .filter(({ step }) => step > first.n)
      .flatMap((snapshot) =>
        snapshot.truth.processes
          .filter((process) => privateKb(process) > 0)
          .map((process): Observation => {
            const truth = truthKb(process);
            const [rss = 0, smaps = 0, tracked = 0] = (['rss', 'smaps-rss', 'tracker'] as const).map(
              (id) => said(id, snapshot, process.worker)?.totalKb ?? 0,
            );
            const most = Math.max(rss + tracked, smaps);
            const isOver = most > truth && !agrees(most, truth);
            const figure = kb(Math.max(0, most - truth), truth, `shown too much for ${process.worker}`);
            return { mark: isOver ? 'no' : 'yes', figure, evidence: at(run, snapshot), gap: most - truth };
          }),
      ),
  );
}

/** Hazards that mean broken books. */
const BROKEN: ReadonlySet<HazardKind> = new Set<HazardKind>(['bad-counter', 'double-charge', 'lost-charge']);

/** Those of books that are in order and show too much or too little: how much is judged from the numbers. */
const SHOWN: ReadonlySet<string> = new Set(['counted-twice', 'uncounted-memory', 'orphaned-charge']);

/**
 * Correct after fd passing and VM exit: once a holder of private memory forked or ended, no book is broken, and what is left shows
 * up where it lives. Partly: the books are in order, but what is left is not shown.
 */
export function judgeAfterHandover(run: StrategyRun): Judgement {
  const created = run.steps.find(isGmemCreated);
  const first = run.steps.find((step) => created && step.n > created.n && (isHandover(step) || isEnd(step)));
  if (!first) return verdictOver([]);
  const broken = hazards(run)
    .filter(({ kind, id, step }) => BROKEN.has(kind) && !SHOWN.has(id) && step >= first.n)
    .map(({ step, line, message }): Observation => {
      const figure = { value: 1, of: null, unit: 'count', words: `broken book: ${message}` } as const;
      return { mark: 'no', figure, evidence: { step, line, snapshot: null } };
    });
  if (broken.length > 0) return verdictOver(broken);
  const after = run.snapshots
    .filter(({ step }) => step > first.n)
    .map((snapshot) => afterwards(run, snapshot));
  return verdictOver(after.length > 0 ? after : [inOrder(first)]);
}

/** What is left of private memory at a snapshot, and how much of it the VmRSS of its holders shows. */
function afterwards(run: StrategyRun, snapshot: Snapshot): Observation {
  const evidence = at(run, snapshot);
  const processes = snapshot.truth.processes.map((process) => ({
    truth: truthKb(process),
    private: privateKb(process),
    rss: said('rss', snapshot, process.worker)?.totalKb ?? 0,
  }));
  const over = sum(processes.map(({ truth, rss }) => (agrees(rss, truth) ? 0 : Math.max(0, rss - truth))));
  if (over > 0) return { mark: 'no', figure: kb(over, null, 'shown that is not there'), evidence, gap: over };
  const left = processes.filter((process) => process.private > 0);
  if (left.length === 0) return { mark: 'yes', figure: kb(0, null, 'of private memory left'), evidence };
  const truth = sum(left.map((process) => process.truth));
  const shown = sum(left.map((process) => Math.min(process.rss, process.truth)));
  const figure = kb(shown, truth, 'of what is left in VmRSS of its holders');
  return { mark: agrees(shown, truth) ? 'yes' : 'partly', figure, evidence, gap: truth - shown };
}

const inOrder = ({ n, line }: StepResult): Observation => ({
  mark: 'yes',
  figure: { value: 0, of: null, unit: 'count', words: 'broken books' },
  evidence: { step: n, line, snapshot: null },
});
