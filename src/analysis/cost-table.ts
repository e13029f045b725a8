import table from '../../datasets/costs.json' with { type: 'json' };

/** A structure that exists because of private memory. */
export interface CostStructure {
  id: string;
  title: string;
  bytes: number;
  bytesByKernel?: Readonly<Record<string, number>> | undefined;
  /** kernel: in every world; design: because a design asks for it. */
  by: 'kernel' | 'design';
  source: string;
}

/** Something that is done for private memory. */
export interface CostOperation {
  name: string;
  by: 'kernel' | 'design';
  /** Locks and shared counters that it takes, once for `every` so many. */
  locks: readonly { lock: string; every: number }[];
  /** Measured time of one; absent: nobody has published any. */
  ns?: number | undefined;
  measured?: string | undefined;
  source: string;
}

/** The sourced prices of datasets/costs.json; counts come from runs alone. */
export const COST_TABLE: {
  readonly structures: readonly CostStructure[];
  readonly operations: readonly CostOperation[];
} = table as { structures: CostStructure[]; operations: CostOperation[] };

/** Bytes of one structure on a kernel; null for one that the table does not have. */
export function bytesOf(structure: string, kernel: string): number | null {
  const found = COST_TABLE.structures.find(({ id }) => id === structure);
  return found ? (found.bytesByKernel?.[kernel] ?? found.bytes) : null;
}

/** Whether every world does an operation; what the table does not have is a design's. */
export const isKernelOperation = (name: string): boolean =>
  COST_TABLE.operations.find((one) => one.name === name)?.by === 'kernel';
