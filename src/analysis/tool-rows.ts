import type { Snapshot } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { sum } from './node-lists.ts';
import { TOOL_FORMULAS, type ToolFormula } from './tool-formulas.ts';

/** What a tool says of somebody at one snapshot, beside what it claims to show. */
export interface ToolRow {
  snapshot: string;
  step: number;
  /** Id of the formula. */
  tool: string;
  /** Worker, path of a cgroup, or `machine`. */
  subject: string;
  /** Node id, or null for the total. */
  node: number | null;
  kb: number;
  truthKb: number;
  /** Said less true: what people are led to believe too much, or (negative) too little. */
  errorKb: number;
}

/** All tools about everybody at one snapshot: by formula, then subject, then total before nodes. */
export function toolRows({ label, step, facts, truth }: Snapshot): ToolRow[] {
  const nids = facts.nodes.map(({ nid }) => nid);
  return TOOL_FORMULAS.flatMap((formula) =>
    subjects(formula, { facts }).flatMap((subject): ToolRow[] => {
      const said = formula.value(facts, subject);
      if (!said) return [];
      const pages = formula.truth(truth, subject);
      const row = (node: number | null, kb: number, truthKb: number): ToolRow => ({
        snapshot: label,
        step,
        tool: formula.id,
        subject,
        node,
        kb,
        truthKb,
        errorKb: kb - truthKb,
      });
      return [
        row(null, said.totalKb, pagesToKb(sum(pages))),
        ...(said.nodesKb
          ? nids.map((nid) => row(nid, said.nodesKb?.[nid] ?? 0, pagesToKb(pages[nid] ?? 0)))
          : []),
      ];
    }),
  );
}

function subjects({ scope }: ToolFormula, { facts }: Pick<Snapshot, 'facts'>): string[] {
  switch (scope) {
    case 'process':
      return facts.processes.map(({ worker }) => worker);
    case 'cgroup':
      return facts.cgroups.map(({ path }) => path);
    case 'machine':
      return ['machine'];
  }
}
