import type { Snapshot, StepResult, StrategyRun } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { sum } from './node-lists.ts';
import { isMover } from './step-words.ts';

/** Private memory of one file at one snapshot: how much of it lies where the VMM wished, and what movers may do with the rest. */
export interface PlacementRow {
  snapshot: string;
  step: number;
  /** Object name of the scenario. */
  object: string;
  user: string | null;
  kb: number;
  /** On nodes that the wish doesn't name; null when there was no wish. */
  offPolicyKb: number | null;
  /** The same by node that holds it; empty when there was no wish. */
  offPolicyNodesKb: number[];
  /** What compaction, NUMA balancing, migratepages and offlining may take, by the design's word; null: unknown. */
  movableKb: number | null;
  /** Off policy, and no mover may bring it home; null when one of both is unknown. */
  stuckKb: number | null;
}

/** A step that asked mm to move pages, and how it ended. */
export interface MoverStep {
  step: number;
  line: number;
  text: string;
  /** `0`, or the errno. */
  outcome: string;
  message: string;
}

/** Private memory by file at one snapshot. */
export function placements({
  label,
  step,
  truth,
}: Pick<Snapshot, 'label' | 'step' | 'truth'>): PlacementRow[] {
  return truth.holdings
    .filter(({ kind }) => kind === 'gmem')
    .map((holding) => {
      const { object, user, offPolicyPages, offPolicyNodePages = [], movablePages } = holding;
      const pages = sum(holding.nodePages);
      const isStuck = offPolicyPages !== null && movablePages !== undefined;
      return {
        snapshot: label,
        step,
        object,
        user,
        kb: pagesToKb(pages),
        offPolicyKb: offPolicyPages === null ? null : pagesToKb(offPolicyPages),
        offPolicyNodesKb: offPolicyNodePages.map(pagesToKb),
        movableKb: movablePages === undefined ? null : pagesToKb(movablePages),
        // At least what is left when every movable page is one of those.
        stuckKb: isStuck ? pagesToKb(Math.max(0, offPolicyPages - movablePages)) : null,
      };
    });
}

/** Steps that asked for movement, in order. */
export function moverSteps({ steps }: Pick<StrategyRun, 'steps'>): MoverStep[] {
  return steps.filter(isMover).map((step: StepResult) => ({
    step: step.n,
    line: step.line,
    text: step.text,
    outcome: step.ret < 0 ? step.errno : String(step.ret),
    message: step.message,
  }));
}
