import type { Report } from '../place.ts';
import type { Machine, ProcessSpec, Step } from '../types.ts';
import { checkLabels } from './check-labels.ts';
import { parseScript } from './parse-script.ts';
import { ScriptNames } from './script-names.ts';
import type { ScriptText } from './script-text.ts';

/** The worker that every script has. */
export const DEFAULT_WORKER = 'w0';

/** What a script runs on. */
export interface ScriptSurroundings {
  /** Null when its description has problems. */
  machine: Machine | null;
  processes: Readonly<Record<string, ProcessSpec>>;
  /** Seed of random touches that state none. */
  seed: number;
  /** Every step may fail and name what is not there, not only one that states so. */
  mayFail?: boolean;
}

/** Parses a script and checks what its lines refer to. The steps are only good when nothing was reported. */
export function checkScript(script: ScriptText, surroundings: ScriptSurroundings, report: Report): Step[] {
  const { machine, processes, seed, mayFail = false } = surroundings;
  const names = new ScriptNames();
  names.make('worker', DEFAULT_WORKER);
  names.make('cgroup', '/');
  for (const [worker, { cgroup }] of Object.entries(processes)) {
    names.make('worker', worker);
    for (const path of withParents(cgroup)) names.make('cgroup', path);
  }
  const cpus = new Set(machine?.nodes.flatMap((node) => node.cpus));
  const hardware = machine && { nodeCount: machine.nodes.length, cpus: cpus.has(Number.NaN) ? null : cpus };
  const steps = parseScript(script, { machine: hardware, names, seed, mayFail }, report);
  names.check(report);
  checkLabels(steps, report);
  return steps;
}

/** `/a/b` and `/a`. */
export function withParents(path: string): string[] {
  const parts = path.split('/').slice(1);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
}
