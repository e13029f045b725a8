import type { Finding, StrategyRun } from './types.ts';

/**
 * Findings of a run that speak against it: laws broken and steps that came out otherwise than stated. A hazard is what a design
 * risks, no failed check; and what the scenario expects to be found, and was, is what it is there to show.
 */
export function unexpectedFindings({
  findings,
  expectations,
}: Pick<StrategyRun, 'findings' | 'expectations'>): Finding[] {
  const shown = new Set(
    expectations
      .filter(
        ({ unit, expected, isMet }) =>
          unit === 'presence' && isMet && expected !== 'absent' && expected !== 0,
      )
      .map(({ reading }) => reading),
  );
  return findings.filter(({ kind, id }) => kind !== 'hazard' && !shown.has(`finding ${id}`));
}
