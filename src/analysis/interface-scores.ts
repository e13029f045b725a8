import type { RunResult } from '../result/types.ts';
import { answersOf, type Answer } from './answers.ts';
import { INTERFACES } from './interfaces.ts';
import { mainSubject, type Subject } from './subject.ts';
import type { AttributionRow, InterfaceMeta } from './types.ts';

/** How one interface did under one strategy. */
export interface Score extends Answer {
  strategy: string;
  interface: string;
}

/** Strategies by interfaces, at the moment and about the process that tables and pictures speak of. */
export interface InterfaceScores {
  /** Null when no process was seen in any snapshot; there are no scores then. */
  subject: Subject | null;
  /** Interfaces that said something under some strategy, in the order of tables. */
  interfaces: InterfaceMeta[];
  /** By strategy, then interface; a strategy that stopped before the moment has none. */
  scores: Score[];
}

/** Signed error and misplaced memory of each interface under each strategy. */
export function interfaceScores(result: RunResult, rows: readonly AttributionRow[]): InterfaceScores {
  const subject = mainSubject(result);
  if (!subject) return { subject, interfaces: [], scores: [] };
  const answer = answersOf(rows);
  const all = result.strategies.flatMap((run) => {
    const snapshot = run.snapshots[subject.index];
    return INTERFACES.flatMap(({ id }): Score[] => {
      const said = snapshot ? answer(run.name, snapshot, id, subject) : null;
      return said ? [{ strategy: run.name, interface: id, ...said }] : [];
    });
  });
  const speaking = new Set(all.filter((score) => score.reportedKb !== null).map((score) => score.interface));
  return {
    subject,
    interfaces: INTERFACES.filter(({ id }) => speaking.has(id)),
    scores: all.filter((score) => speaking.has(score.interface)),
  };
}
