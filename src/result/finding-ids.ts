/** Everything that a run can find about a design or its script, by stable names: scenarios and baselines speak of them. */
export const FINDING_IDS = [
  'counted-twice',
  'frames-conserved',
  'host-map',
  'huge-page-promises',
  'huge-pages-conserved',
  'memcg-children-below-parent',
  'orphaned-charge',
  'policy-conflict',
  'rss-balanced-at-exit',
  'rss-exceeds-vm-size',
  'rss-not-negative',
  'stale-entry',
  'step-result',
  'uncounted-memory',
] as const;

export type FindingId = (typeof FINDING_IDS)[number];
