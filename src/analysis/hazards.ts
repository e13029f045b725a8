import type { Finding, FindingLink, Snapshot, StrategyRun } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { sum } from './node-lists.ts';

/** What can go wrong with a design, in the words of tables. */
export type HazardKind =
  | 'stale-entry'
  | 'double-charge'
  | 'lost-charge'
  | 'bad-counter'
  | 'policy-conflict'
  | 'host-mapping'
  | 'other';

export const HAZARD_TITLES: Readonly<Record<HazardKind, string>> = {
  'stale-entry': 'stale second-level entry',
  'double-charge': 'charged twice',
  'lost-charge': 'charge lost',
  'bad-counter': 'negative or bad counter',
  'policy-conflict': 'policies in conflict',
  'host-mapping': 'private page mapped by the host',
  other: 'other',
};

/**
 * Finding ids by what they mean, the first that fits. A charge is what a page counts for: no design can charge a memcg twice, as the memcg is a
 * field of the page that it may only choose; counted twice is a page in the counters of a process.
 */
const KINDS: readonly (readonly [HazardKind, RegExp])[] = [
  ['stale-entry', /stale/],
  ['double-charge', /double-charge|counted-twice/],
  ['lost-charge', /orphaned-charge|uncounted|^memcg-/],
  ['bad-counter', /^rss-|counter|negative/],
  ['policy-conflict', /policy/],
  ['host-mapping', /host-map|private-mapped/],
];

/** A hazard with the step that shows it. */
export interface Hazard {
  kind: HazardKind;
  /** Id of the finding, or of the check on a snapshot. */
  id: string;
  message: string;
  step: number;
  line: number;
  /** Steps that led to it; empty where it is one step's doing. */
  chain: FindingLink[];
}

/** What the run came upon, and what its snapshots show; a finding that comes up again at later steps is told once. */
export function hazards(run: StrategyRun): Hazard[] {
  const found = run.findings.filter(({ kind }) => kind !== 'expectation').map(ofFinding);
  const lineOf = new Map(run.steps.map(({ n, line }) => [n, line]));
  const seen = run.snapshots.flatMap((snapshot) => ofSnapshot(snapshot, lineOf.get(snapshot.step) ?? 0));
  const once = new Map<string, Hazard>();
  for (const hazard of [...found, ...seen].sort((a, b) => a.step - b.step)) {
    const key = JSON.stringify([hazard.id, hazard.message]);
    if (!once.has(key)) once.set(key, hazard);
  }
  return [...once.values()];
}

/** What a finding means. */
export const hazardKind = (id: string): HazardKind =>
  KINDS.find(([, words]) => words.test(id))?.[0] ?? 'other';

const ofFinding = ({ id, message, step, line, chain = [] }: Finding): Hazard => ({
  kind: hazardKind(id),
  id,
  message,
  step,
  line,
  chain,
});

/** Books that don't balance: every page of a file or of anonymous memory is charged once, and no printed counter is negative. */
function ofSnapshot({ step, facts, truth }: Snapshot, line: number): Hazard[] {
  const hazard = (kind: HazardKind, id: string, message: string): Hazard => ({
    kind,
    id,
    message,
    step,
    line,
    chain: [],
  });
  const books = truth.holdings
    // Huge pages are charged to no memory controller.
    .filter(({ kind }) => kind !== 'kernel' && kind !== 'hugetlb')
    .flatMap(({ object, nodePages, chargedPages }) => {
      const charged = sum(Object.values(chargedPages));
      const over = pagesToKb(charged - sum(nodePages));
      if (over > 0)
        return [hazard('double-charge', 'charges-exceed-memory', `${object}: ${over} kB charged twice`)];
      if (over < 0)
        return [hazard('lost-charge', 'memory-exceeds-charges', `${object}: ${-over} kB charged to nobody`)];
      return [];
    });
  const negative = [
    ...facts.processes.flatMap(({ worker, rssAnonPages, rssFilePages, rssShmemPages }) =>
      Math.min(rssAnonPages, rssFilePages, rssShmemPages) < 0 ? [`RSS of ${worker}`] : [],
    ),
    ...facts.cgroups.flatMap(({ path, stat }) =>
      below0(stat).map((name) => `${name} of memory.stat in ${path}`),
    ),
    ...facts.nodes.flatMap(({ nid, counters }) => below0(counters).map((name) => `${name} of node ${nid}`)),
  ];
  return [
    ...books,
    ...negative.map((what) => hazard('bad-counter', 'counter-negative', `${what} is negative`)),
  ];
}

const below0 = (counters: Readonly<Record<string, number>>): string[] =>
  Object.entries(counters).flatMap(([name, value]) => (value < 0 ? [name] : []));
