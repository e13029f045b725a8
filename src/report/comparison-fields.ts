import type { Answer } from '../analysis/answers.ts';
import { weakestLabel } from '../analysis/labels.ts';
import { sum } from '../analysis/node-lists.ts';
import type { InterfaceScores } from '../analysis/interface-scores.ts';
import type { Subject } from '../analysis/subject.ts';
import { cgroupPages, processTruth } from '../analysis/truth.ts';
import type { InterfaceMeta } from '../analysis/types.ts';
import { readingLabel } from '../result/trust.ts';
import type { MachineSummary, RunResult, Snapshot } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { compared, truthLabel } from './compared-cell.ts';
import { consequenceFields } from './consequence-fields.ts';
import type { ComparedCell, ComparedField } from './comparison-types.ts';

type Head = Omit<ComparedField, 'cells' | 'node'>;

/** Truth first, then the interfaces, for the process and its cgroup; the nodes; what follows. Totals stand before nodes. */
export function comparedFields(result: RunResult, card: InterfaceScores, subject: Subject): ComparedField[] {
  const { worker, cgroup } = subject;
  const said = (scope: InterfaceMeta['scope'], name: string): ComparedField[] =>
    card.interfaces
      .filter((one) => one.scope === scope)
      .flatMap((one) => interfaceFields(result, card, one, name));
  const truth = { field: 'truth', title: 'truth', fieldClass: 'truth' } as const;
  return [
    ...truthFields(result, subject, { ...truth, scope: 'process', subject: worker }, (snapshot) => {
      return processTruth(snapshot, worker)?.nodePages ?? [];
    }),
    ...said('process', worker),
    ...truthFields(result, subject, { ...truth, scope: 'cgroup', subject: cgroup }, (snapshot) => {
      return cgroupPages(snapshot.truth, cgroup, { kernel: true });
    }),
    ...said('cgroup', cgroup),
    ...said('node', 'nodes'),
    ...consequenceFields(result, subject),
  ];
}

/** A total and a line per node. */
function withNodes(
  head: Head,
  { nodes }: MachineSummary,
  cells: (node: number | null) => ComparedCell[],
): ComparedField[] {
  return [null, ...nodes.map(({ nid }) => nid)].map((node) => ({ ...head, node, cells: cells(node) }));
}

function truthFields(
  { strategies, machine }: RunResult,
  { index }: Subject,
  head: Head,
  pagesOf: (snapshot: Snapshot) => readonly number[],
): ComparedField[] {
  return withNodes(head, machine, (node) =>
    strategies.map((run) => {
      const snapshot = run.snapshots[index];
      if (!snapshot) return compared(run, truthLabel(run), {});
      const pages = pagesOf(snapshot);
      const kb = pagesToKb(node === null ? sum(pages) : (pages[node] ?? 0));
      return compared(run, truthLabel(run), { kb, truthKb: kb });
    }),
  );
}

function interfaceFields(
  { scenario, strategies, machine }: RunResult,
  card: InterfaceScores,
  one: InterfaceMeta,
  subject: string,
): ComparedField[] {
  const { id, title, scope, fieldClass } = one;
  const head = { field: id, title, scope, subject, fieldClass };
  const scores = strategies.map((run) =>
    card.scores.find((score) => score.strategy === run.name && score.interface === id),
  );
  const cells = (node: number | null): ComparedCell[] =>
    strategies.map((run, at) => {
      const score = scores[at];
      const label = weakestLabel(run.label, readingLabel(scenario.kernel, one.sources));
      return compared(run, label, score ? (node === null ? totals(score) : onNode(score, node)) : {});
    });
  return one.perNode ? withNodes(head, machine, cells) : [{ ...head, node: null, cells: cells(null) }];
}

const totals = ({ reportedKb, truthKb, errorKb, misplacedKb, nodes }: Answer): Partial<ComparedCell> => ({
  kb: reportedKb,
  truthKb,
  errorKb,
  misplacedKb: errorKb === null || nodes.length === 0 ? null : misplacedKb,
});

function onNode({ nodes }: Answer, node: number): Partial<ComparedCell> {
  const found = nodes.find((one) => one.node === node);
  if (!found) return {};
  const { reportedKb, truthKb } = found;
  return { kb: reportedKb, truthKb, errorKb: reportedKb === null ? null : reportedKb - truthKb };
}
