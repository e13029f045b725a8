import type { Snapshot } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { sum } from './node-lists.ts';

/** Private memory of one file at one snapshot: how much of it lies where the VMM wished, and where the rest is. */
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
      const { object, user, offPolicyPages, offPolicyNodePages = [] } = holding;
      const pages = sum(holding.nodePages);
      return {
        snapshot: label,
        step,
        object,
        user,
        kb: pagesToKb(pages),
        offPolicyKb: offPolicyPages === null ? null : pagesToKb(offPolicyPages),
        offPolicyNodesKb: offPolicyNodePages.map(pagesToKb),
      };
    });
}
