import type { Snapshot, StrategyRun } from '../result/types.ts';
import { bytesOf, COST_TABLE, isKernelOperation } from './cost-table.ts';

/** Structures of one kind at a snapshot. */
export interface StructureRow {
  snapshot: string;
  step: number;
  structure: string;
  count: number;
  /** All of them; null where the cost table does not know their size. */
  bytes: number | null;
  by: 'kernel' | 'design';
}

/** One operation over the whole run. */
export interface OperationRow {
  operation: string;
  count: number;
  by: 'kernel' | 'design';
  /** Locks and shared counters that it took; a batch that is not full takes its lock, too. */
  locks: { lock: string; count: number }[];
  /** Measured time, where there is one, nanoseconds. */
  ns: number | null;
}

/** What private memory and the design keep at a snapshot, in the order of the cost table, then what it does not have. */
export function structureRows({ label, step, truth }: Snapshot, kernel: string): StructureRow[] {
  const counts = truth.structures ?? {};
  return inOrder(
    Object.keys(counts),
    COST_TABLE.structures.map(({ id }) => id),
  ).map((structure) => {
    const count = counts[structure]!;
    const each = bytesOf(structure, kernel);
    return {
      snapshot: label,
      step,
      structure,
      count,
      bytes: each === null ? null : each * count,
      by: COST_TABLE.structures.find(({ id }) => id === structure)?.by ?? 'design',
    };
  });
}

/** What was done in a run, in the order of the cost table, then what it does not have. */
export function operationRows({ counts }: Pick<StrategyRun, 'counts'>): OperationRow[] {
  return inOrder(
    Object.keys(counts),
    COST_TABLE.operations.map(({ name }) => name),
  ).map((operation) => {
    const count = counts[operation]!;
    const known = COST_TABLE.operations.find(({ name }) => name === operation);
    return {
      operation,
      count,
      by: isKernelOperation(operation) ? 'kernel' : 'design',
      locks: (known?.locks ?? []).map(({ lock, every }) => ({ lock, count: Math.ceil(count / every) })),
      ns: known?.ns === undefined ? null : known.ns * count,
    };
  });
}

const inOrder = (names: readonly string[], known: readonly string[]): string[] => [
  ...known.filter((name) => names.includes(name)),
  ...names.filter((name) => !known.includes(name)).sort(),
];
