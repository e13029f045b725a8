import { consequences, type Consequences } from '../analysis/consequences.ts';
import type { Subject } from '../analysis/subject.ts';
import type { RunResult, StrategyRun } from '../result/types.ts';
import { compared, truthLabel } from './compared-cell.ts';
import type { ComparedField } from './comparison-types.ts';

interface Consequence extends Pick<ComparedField, 'field' | 'title' | 'fieldClass'> {
  about: 'worker' | 'cgroup' | 'machine';
  /** A size in kB, or a name. */
  value: (follows: Consequences) => number | string | null;
}

const CONSEQUENCES: readonly Consequence[] = [
  {
    field: 'oom-victim',
    title: 'OOM kills first',
    fieldClass: 'accounting',
    about: 'machine',
    value: ({ oomVictim }) => oomVictim,
  },
  {
    field: 'largest',
    title: 'largest process',
    fieldClass: 'truth',
    about: 'machine',
    value: ({ largest }) => largest,
  },
  {
    field: 'off-policy',
    title: 'off its policy',
    fieldClass: 'truth',
    about: 'worker',
    value: ({ offPolicyKb }) => offPolicyKb,
  },
  {
    field: 'charged-elsewhere',
    title: 'charged elsewhere',
    fieldClass: 'truth',
    about: 'cgroup',
    value: ({ chargedElsewhereKb }) => chargedElsewhereKb,
  },
  {
    field: 'charged-for-others',
    title: 'charged for others',
    fieldClass: 'truth',
    about: 'cgroup',
    value: ({ chargedForOthersKb }) => chargedForOthersKb,
  },
  {
    field: 'past-limit',
    title: 'past memory.max',
    fieldClass: 'truth',
    about: 'cgroup',
    value: ({ pastLimitKb }) => pastLimitKb,
  },
];

const COUNTS: readonly { field: string; title: string; of: (run: StrategyRun) => number }[] = [
  { field: 'findings', title: 'findings', of: ({ findings }) => findings.length },
  { field: 'failed-steps', title: 'failed steps', of: ({ steps }) => count(steps, (step) => step.ret < 0) },
  {
    field: 'unexpected-steps',
    title: 'unexpected steps',
    of: ({ steps }) => count(steps, (step) => !step.expected),
  },
];

const count = <T>(list: readonly T[], isCounted: (one: T) => boolean): number =>
  list.filter(isCounted).length;

/** What follows from the numbers, and how the run went; a line that no strategy has an answer for is left out. */
export function consequenceFields({ strategies }: RunResult, subject: Subject): ComparedField[] {
  const worlds = strategies.map((run) => {
    const snapshot = run.snapshots[subject.index];
    return { run, follows: snapshot ? consequences(snapshot, subject) : null };
  });
  const head = { scope: 'consequence', node: null } as const;
  const names = { worker: subject.worker, cgroup: subject.cgroup, machine: 'machine' };
  const following = CONSEQUENCES.map(({ field, title, fieldClass, about, value }): ComparedField => ({
    ...head,
    field,
    title,
    fieldClass,
    subject: names[about],
    cells: worlds.map(({ run, follows }) => {
      const found = follows ? value(follows) : null;
      return compared(run, truthLabel(run), typeof found === 'string' ? { text: found } : { kb: found });
    }),
  }));
  const counted = COUNTS.map(({ field, title, of }): ComparedField => ({
    ...head,
    field,
    title,
    fieldClass: 'truth',
    subject: 'run',
    cells: strategies.map((run) => compared(run, run.label, { text: String(of(run)) })),
  }));
  return [
    ...following.filter(({ cells }) => cells.some(({ kb, text }) => kb !== null || text !== null)),
    ...counted,
  ];
}
