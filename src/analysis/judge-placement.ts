import type { StrategyRun } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { hazards } from './hazards.ts';
import { agrees, at, gmems, kb, moments, privateTotalKb, verdictOver, type Observation } from './judge.ts';
import { sum } from './node-lists.ts';
import type { Judgement } from './requirement-types.ts';
import { isMover, isWish } from './step-words.ts';

/** Placement per backend: private memory lies where the VMM wished, file by file. A wish that failed is the evidence. */
export function judgePlacement(run: StrategyRun): Judgement {
  return verdictOver(
    moments(run).flatMap((snapshot): Observation[] => {
      const wished = gmems(snapshot).flatMap(({ nodePages, offPolicyPages }) =>
        offPolicyPages === null ? [] : [{ kb: pagesToKb(sum(nodePages)), offKb: pagesToKb(offPolicyPages) }],
      );
      if (wished.length === 0) return [];
      const total = sum(wished.map((one) => one.kb));
      const off = sum(wished.map((one) => one.offKb));
      const mark = agrees(total - off, total) ? 'yes' : agrees(off, total) ? 'no' : 'partly';
      const refused = mark === 'yes' ? undefined : run.steps.find((step) => isWish(step) && step.ret < 0);
      const evidence = at(run, snapshot);
      const figure = kb(
        total - off,
        total,
        `on the wished nodes${refused ? `; the wish got ${refused.errno}` : ''}`,
      );
      const shown = refused ? { ...evidence, step: refused.n, line: refused.line } : evidence;
      return [{ mark, figure, evidence: shown, gap: off }];
    }),
  );
}

/**
 * Movable: mm may take private pages, and did so without harm. Partly: it may take some of them, or nobody in the scenario made it
 * try; not met: none, or a guest went on using a frame that was moved away.
 */
export function judgeMovable(run: StrategyRun): Judgement {
  const stale = hazards(run).filter(({ kind }) => kind === 'stale-entry');
  const [first] = stale;
  if (first) {
    const figure = {
      value: stale.length,
      of: null,
      unit: 'count',
      words: `hazard: ${first.message}`,
    } as const;
    return verdictOver([
      { mark: 'no', figure, evidence: { step: first.step, line: first.line, snapshot: null } },
    ]);
  }
  const isTried = run.steps.some((step) => isMover(step) && step.ret >= 0);
  return verdictOver(
    moments(run).flatMap((snapshot): Observation[] => {
      const known = gmems(snapshot).map(({ movablePages }) => movablePages);
      if (known.some((pages) => pages === undefined)) return [];
      const total = privateTotalKb(snapshot);
      const movable = pagesToKb(sum(known.map((pages) => pages ?? 0)));
      const mark = movable === 0 ? 'no' : movable === total && isTried ? 'yes' : 'partly';
      const words = `of private memory that movers may take${movable > 0 && !isTried ? '; none was called' : ''}`;
      return [{ mark, figure: kb(movable, total, words), evidence: at(run, snapshot), gap: total - movable }];
    }),
  );
}
