import type { Place, Report } from '../place.ts';
import { hint } from '../suggest.ts';

/** Things that one line of a script makes and others use. */
export type ReferenceKind = 'object' | 'worker' | 'cgroup' | 'vCPU thread';

/** How a script makes one. */
const MADE_BY: Readonly<Record<ReferenceKind, string>> = {
  object: 'create, anon map',
  worker: 'spawn, fork, processes:',
  cgroup: 'cgroup create, processes:',
  'vCPU thread': 'vm vcpu',
};

/**
 * Names that a script makes and uses. A use is right when the name is made anywhere in the script: whether it is there in time
 * is for the run to tell.
 */
export class ScriptNames {
  readonly #made = new Map<ReferenceKind, Set<string>>();
  readonly #excused = new Set<string>();
  readonly #uses: { kind: ReferenceKind; name: string; place: Place }[] = [];

  make(kind: ReferenceKind, name: string): void {
    const names = this.#made.get(kind);
    if (names) names.add(name);
    else this.#made.set(kind, new Set([name]));
  }

  /** A line that cannot be read may have been meant to make this name: its uses are not held against it. */
  excuse(name: string): void {
    this.#excused.add(name);
  }

  use(kind: ReferenceKind, name: string, place: Place): void {
    this.#uses.push({ kind, name, place });
  }

  /** Reports the uses of names that nothing makes. */
  check(report: Report): void {
    for (const { kind, name, place } of this.#uses) {
      const made = this.#made.get(kind);
      if (made?.has(name) || this.#excused.has(name)) continue;
      const known = made ? hint(name, [...made].sort()) : 'there is none at all';
      report(place, 'reference', `no ${kind} "${name}" is made in this script (${MADE_BY[kind]}): ${known}`);
    }
  }
}
