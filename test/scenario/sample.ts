import { readdirSync, readFileSync } from 'node:fs';
import { loadMachine } from '../../src/scenario/load-machine.ts';
import { loadScenario } from '../../src/scenario/load-scenario.ts';
import type { SourceFile } from '../../src/scenario/loaded.ts';
import { checkScript } from '../../src/scenario/steps/check-script.ts';
import { wholeFile } from '../../src/scenario/steps/script-text.ts';
import { ProblemList } from '../../src/scenario/place.ts';
import type { Machine, Problem, Scenario, Step } from '../../src/scenario/types.ts';

const machineDirectory = new URL('../../datasets/machines/', import.meta.url);

/** Names of the machines that the package brings. */
export const machineNames: string[] = readdirSync(machineDirectory)
  .map((name) => name.replace('.yaml', ''))
  .sort();

export function machineFile(name: string): SourceFile | null {
  if (!machineNames.includes(name)) return null;
  const file = `${name}.yaml`;
  return { file, text: readFileSync(new URL(file, machineDirectory), 'utf8') };
}

/** A machine of the package, which has no problems. */
export async function machineNamed(name: string): Promise<Machine> {
  const loaded = await loadMachine(machineFile(name)!);
  if ('problems' in loaded) throw new Error(shown(loaded.problems).join('\n'));
  return loaded.machine;
}

/** Loads a scenario file called t.yaml. */
export async function load(text: string): Promise<Scenario | string[]> {
  const loaded = await loadScenario({ file: 't.yaml', text, machines: machineFile, machineNames });
  return 'problems' in loaded ? shown(loaded.problems) : loaded.scenario;
}

/** Problems of a scenario that must have some. */
export async function problemsOf(text: string): Promise<string[]> {
  const loaded = await load(text);
  return Array.isArray(loaded) ? loaded : ['no problem'];
}

/** Steps and problems of a bare script on a machine with nodes 0-3 and one CPU in each. */
export function script(text: string, machine: Machine): { steps: Step[]; problems: string[] } {
  const list = new ProblemList({ file: 's' });
  const steps = checkScript(wholeFile(text), { machine, processes: {}, seed: 7 }, list.report);
  return { steps, problems: list.sorted().map((p) => `${p.line}:${p.column} ${p.message}`) };
}

/** `FILE:LINE:COLUMN reason message` */
export const shown = (problems: readonly Problem[]): string[] =>
  problems.map((p) => `${p.file}:${p.line}:${p.column} ${p.reason} ${p.message}`);
