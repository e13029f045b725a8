import type { StrategyRun } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { hazards } from './hazards.ts';
import { agrees, at, gmems, kb, moments, verdictOver, type Observation } from './judge.ts';
import { isBeside, moverSteps, whyNot } from './mover-steps.ts';
import { sum } from './node-lists.ts';
import type { Judgement } from './requirement-types.ts';
import { isWish } from './step-words.ts';

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
 * Movable: every mover that the scenario called took the private pages that it was to take, without harm. Partly: it took some, or one mover
 * did and another did not; not met: none moved, or a guest went on using a frame that it lost.
 */
export function judgeMovable(run: StrategyRun): Judgement {
  const stale = hazards(run).filter(({ kind }) => kind === 'stale-entry');
  const [first] = stale;
  if (first) {
    const words = `${stale.length === 1 ? 'hazard' : 'hazards, the first'}: ${first.message}`;
    const figure = { value: stale.length, of: null, unit: 'count', words } as const;
    return verdictOver([
      { mark: 'no', figure, evidence: { step: first.step, line: first.line, snapshot: null } },
    ]);
  }
  return verdictOver(
    moverSteps(run).flatMap((tried): Observation[] => {
      const { mover, wantedKb, movedKb, step, line } = tried;
      if (wantedKb === 0 || isBeside(tried)) return [];
      const mark = movedKb === 0 ? 'no' : agrees(movedKb, wantedKb) ? 'yes' : 'partly';
      const figure = kb(movedKb, wantedKb, `moved by ${mover}${whyNot(tried)}`);
      return [{ mark, figure, evidence: { step, line, snapshot: null }, gap: wantedKb - movedKb }];
    }),
  );
}
