import type { OomKill, StrategyRun } from '../result/types.ts';
import { pagesToKb } from '../units/pages.ts';
import { largestUser, oomVictim } from './consequences.ts';
import { isInCgroup } from './truth.ts';

/** A process that really died of a shortage, beside the one that used most where the shortage was. */
export interface Death {
  step: number;
  line: number;
  /** Who was killed. */
  victim: string;
  victimKb: number;
  /** Cgroup at its limit; null: the machine, or the nodes of a policy, ran out. */
  limit: string | null;
  /** Who used most of what ran out, by the record; null when nobody used any. */
  largest: string | null;
  largestKb: number;
  /** Whether the killer hit somebody who used less than the largest. */
  isBystander: boolean;
}

/** Whom the killer would take at a snapshot if the machine ran out then, beside the one that uses most. */
export interface NextVictim {
  snapshot: string;
  step: number;
  victim: string | null;
  largest: string | null;
  /** null: there is nobody to take, or badness is unknown. */
  isBystander: boolean | null;
}

/** Who died when memory really ran out. */
export function deaths({ kills = [] }: StrategyRun): Death[] {
  return kills.map((kill) => {
    const { worker, step, line, limit, used } = kill;
    const found = used.find((one) => one.worker === worker);
    const most = largestAmong(kill);
    const victimPages = found?.pages ?? 0;
    return {
      step,
      line,
      victim: worker,
      victimKb: pagesToKb(victimPages),
      limit,
      largest: most?.worker ?? null,
      largestKb: pagesToKb(most?.pages ?? 0),
      isBystander: most !== undefined && most.worker !== worker && most.pages > victimPages,
    };
  });
}

/** The largest user among those that the shortage could be blamed on: all, or the members of the cgroup at its limit. */
function largestAmong({ limit, used }: OomKill): OomKill['used'][number] | undefined {
  const [first] = used
    .filter(({ pages, cgroup }) => pages > 0 && (limit === null || isInCgroup(cgroup, limit)))
    .sort((a, b) => b.pages - a.pages);
  return first;
}

/** Who would die at each snapshot. */
export function nextVictims({ snapshots }: StrategyRun): NextVictim[] {
  return snapshots.map(({ label, step, facts, truth }) => {
    const victim = oomVictim(facts);
    const largest = largestUser(truth);
    return {
      snapshot: label,
      step,
      victim,
      largest,
      isBystander: victim === null || largest === null ? null : victim !== largest,
    };
  });
}
