import { errorText, sizeText } from '../charts/size-text.ts';
import type { ComparedCell, ComparedField, ComparedStrategy, Comparison } from './comparison-types.ts';

/** An error below this share of the truth is no news: page tables, per-CPU batches. */
const NEWS = 0.01;

export type Verdict = 'low' | 'high' | 'misplaced' | 'right';

/** How a cell stands to the truth, to within 1%; null where there is nothing to judge. */
export function verdict({ errorKb, truthKb, misplacedKb }: ComparedCell): Verdict | null {
  if (errorKb === null || truthKb === null) return null;
  if (Math.abs(errorKb) > NEWS * truthKb) return errorKb < 0 ? 'low' : 'high';
  return (misplacedKb ?? 0) > NEWS * truthKb ? 'misplaced' : 'right';
}

/** What a cell gets wrong, in words; empty when it is right or nothing is to judge. */
export function verdictNotes(cell: ComparedCell): string[] {
  switch (verdict(cell)) {
    case 'low':
    case 'high':
      return [errorText(cell.errorKb ?? 0)];
    case 'misplaced':
      return [`${sizeText(cell.misplacedKb ?? 0)} on the wrong node`];
    default:
      return [];
  }
}

/** Fields under one heading. */
export interface FieldGroup {
  heading: string;
  fields: ComparedField[];
}

/**
 * The fields for readers, by whom they speak about. Lines of single nodes: those of the process's
 * truth, or all when asked for, and only of nodes with something on them.
 */
export function fieldGroups({ fields, subject }: Comparison, { nodes }: { nodes: boolean }): FieldGroup[] {
  const headings: Record<ComparedField['scope'], string> = {
    process: `process ${subject?.worker}`,
    cgroup: `cgroup ${subject?.cgroup}`,
    node: 'all nodes',
    consequence: 'what follows',
  };
  const isShown = ({ node, field, scope, cells }: ComparedField): boolean =>
    node === null ||
    ((nodes || (field === 'truth' && scope === 'process')) && cells.some(({ kb, truthKb }) => kb || truthKb));
  return (['process', 'cgroup', 'node', 'consequence'] as const)
    .map((scope) => ({
      heading: headings[scope],
      fields: fields.filter((field) => field.scope === scope && isShown(field)),
    }))
    .filter((group) => group.fields.length > 0);
}

/** Words for a line: its title, or its node. */
export const fieldWords = ({ title, node }: ComparedField): string => (node === null ? title : `N${node}`);

/** Whom and when the comparison is about. */
export function momentWords({ subject }: Comparison): string {
  return subject
    ? `Snapshot ${subject.snapshot} (step ${subject.step}): ${subject.worker} in cgroup ${subject.cgroup}`
    : 'No process was seen in any snapshot.';
}

/** Words for a strategy's column. */
export const headWords = ({ name, label, error }: ComparedStrategy): string =>
  `${name} (${label}${error ? `, stopped at step ${error.step}` : ''})`;

/** What stopped a strategy; null when nothing did. */
export function stopWords({ name, error }: ComparedStrategy): string | null {
  return error
    ? `${name} stopped at step ${error.step} (line ${error.line}) in ${error.part}: ${error.message}`
    : null;
}
