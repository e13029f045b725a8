import type { FieldClass, FieldLabel, RunResult, Snapshot, StrategyRun } from '../result/types.ts';
import { answersOf } from './answers.ts';
import { offPolicyKb } from './consequences.ts';
import { INTERFACES } from './interfaces.ts';
import { weakestLabel } from './labels.ts';
import { mainSubject, type Subject } from './subject.ts';
import { privateKb, processTruth, truthKb } from './truth.ts';
import type { AttributionRow } from './types.ts';

/** One number at one snapshot; null when nobody says it then. */
export interface TimelineRow {
  strategy: string;
  snapshot: string;
  /** Step after which the snapshot was taken. */
  step: number;
  /** `truth`, `truth-private`, `truth-off-policy`, or an interface id. */
  metric: string;
  /** Worker name, cgroup path, or `nodes` for all of them together. */
  subject: string;
  kb: number | null;
  fieldClass: FieldClass | 'truth';
  label: FieldLabel;
}

/** What is true of the main process, its cgroup and the machine over the snapshots, and what each interface says of it. */
export function timeline(result: RunResult, rows: readonly AttributionRow[]): TimelineRow[] {
  const subject = mainSubject(result);
  if (!subject) return [];
  const answer = answersOf(rows);
  const subjects = { process: subject.worker, cgroup: subject.cgroup, node: 'nodes' };
  return result.strategies.flatMap((run) =>
    run.snapshots.flatMap((snapshot) => {
      const head = { strategy: run.name, snapshot: snapshot.label, step: snapshot.step };
      const reported = INTERFACES.flatMap(({ id, scope }): TimelineRow[] => {
        const said = answer(run.name, snapshot, id, subject);
        if (!said) return [];
        const { reportedKb: kb, fieldClass, label } = said;
        return [{ ...head, metric: id, subject: subjects[scope], kb, fieldClass, label }];
      });
      return [...truths(run, snapshot, subject).map((row) => ({ ...head, ...row })), ...reported];
    }),
  );
}

function truths(
  run: StrategyRun,
  snapshot: Snapshot,
  { worker }: Subject,
): Pick<TimelineRow, 'metric' | 'subject' | 'kb' | 'fieldClass' | 'label'>[] {
  const process = processTruth(snapshot, worker);
  const head = {
    subject: worker,
    fieldClass: 'truth' as const,
    label: weakestLabel(run.label, 'derived'),
  };
  return [
    { ...head, metric: 'truth', kb: process ? truthKb(process) : 0 },
    { ...head, metric: 'truth-private', kb: process ? privateKb(process) : 0 },
    { ...head, metric: 'truth-off-policy', kb: offPolicyKb(snapshot.truth, worker) },
  ];
}
