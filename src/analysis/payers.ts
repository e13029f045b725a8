import type { Holding, Snapshot } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { sum } from './node-lists.ts';
import { isInCgroup } from './truth.ts';

/** Stands in the matrix for memory that serves no living process, and for memory that no cgroup pays for (huge pages). */
export const NOBODY = 'nobody';

/** One cell of the matrix: memory that serves the workers of one cgroup and is charged to another, or to the same one. */
export interface PayerRow {
  /** Cgroup of the worker that the memory serves, or `nobody`. */
  user: string;
  /** Cgroup charged; a removed one is `path (deleted)`; `nobody` where nothing is charged. */
  payer: string;
  kb: number;
  /** How much of it is private guest memory. */
  privateKb: number;
  /** Whether a limit on the user's cgroup would count it. */
  isOwn: boolean;
}

/** What a limit of a cgroup sees, and what it misses. */
export interface LimitRow {
  cgroup: string;
  limit: 'memory.max' | 'memory.high';
  limitKb: number;
  /** Memory that serves workers of the cgroup and of those below it. */
  usedKb: number;
  /** Of that, charged outside of the cgroup: no limit here ever counts it. */
  escapesKb: number;
  /** Charged here and serves nobody here: the limit counts it against the wrong party. */
  foreignKb: number;
}

/** Who pays for whom at one snapshot: sorted by user, then payer; empty cells are left out. */
export function payers({ truth }: Pick<Snapshot, 'truth'>): PayerRow[] {
  const homes = new Map(truth.processes.map(({ worker, cgroup }) => [worker, cgroup]));
  const cells = new Map<string, PayerRow>();
  for (const holding of truth.holdings) {
    const user = (holding.user === null ? undefined : homes.get(holding.user)) ?? NOBODY;
    for (const [payer, pages] of charges(holding)) {
      if (pages === 0) continue;
      const key = JSON.stringify([user, payer]);
      const cell = cells.get(key) ?? {
        user,
        payer,
        kb: 0,
        privateKb: 0,
        isOwn: user !== NOBODY && isInCgroup(payer, user),
      };
      cell.kb += pagesToKb(pages);
      if (holding.kind === 'gmem') cell.privateKb += pagesToKb(pages);
      cells.set(key, cell);
    }
  }
  const order = (name: string): string => (name === NOBODY ? '\uffff' : name);
  const less = (a: string, b: string): number => (a === b ? 0 : order(a) < order(b) ? -1 : 1);
  return [...cells.values()].sort((a, b) => less(a.user, b.user) || less(a.payer, b.payer));
}

/** Charges of a holding by cgroup, and what nobody pays for. */
function charges({ chargedPages, nodePages }: Holding): [string, number][] {
  const entries = Object.entries(chargedPages);
  const free = sum(nodePages) - sum(entries.map(([, pages]) => pages));
  return free > 0 ? [...entries, [NOBODY, free]] : entries;
}

/** Every memory.max and memory.high that is set, in the order of the cgroups, with what it counts and what escapes it. */
export function limits(snapshot: Pick<Snapshot, 'facts' | 'truth'>): LimitRow[] {
  const rows = payers(snapshot);
  return snapshot.facts.cgroups.flatMap(({ path, maxBytes, highBytes }) => {
    const total = (isCounted: (row: PayerRow) => boolean): number =>
      sum(rows.filter(isCounted).map(({ kb }) => kb));
    const serves = ({ user }: PayerRow): boolean => user !== NOBODY && isInCgroup(user, path);
    const pays = ({ payer }: PayerRow): boolean => payer !== NOBODY && isInCgroup(payer, path);
    const set = [
      ['memory.max', maxBytes],
      ['memory.high', highBytes],
    ] as const;
    return set.flatMap(([limit, bytes]) =>
      bytes === null
        ? []
        : [
            {
              cgroup: path,
              limit,
              limitKb: Math.floor(bytes / 1024),
              usedKb: total(serves),
              escapesKb: total((row) => serves(row) && !pays(row)),
              foreignKb: total((row) => pays(row) && !serves(row)),
            },
          ],
    );
  });
}
