import { existsSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { formatProblems } from '../scenario/format-problems.ts';
import { loadMachine } from '../scenario/load-machine.ts';
import { loadScenario } from '../scenario/load-scenario.ts';
import { loadSteps } from '../scenario/load-steps.ts';
import type { Loaded, SourceFile } from '../scenario/loaded.ts';
import { hint } from '../scenario/suggest.ts';
import type { Machine, Problem, Scenario } from '../scenario/types.ts';
import { unmodelledSteps } from './unmodelled-steps.ts';
import { datasetNames, readDataset, readScenarioFile, readText } from './find-file.ts';

/** A scenario with the file that it was read from. */
export interface ReadScenario extends SourceFile {
  scenario: Scenario;
}

/** What a bare script needs beside its steps; YAML and JSON files state it themselves. */
export interface ScriptSurroundings {
  machine?: string | undefined;
  kernel?: Scenario['kernel'] | undefined;
}

/** Kernel of a bare script. */
const DEFAULT_KERNEL = '6.12';

/** Reads a scenario by path or name; a `.steps` file is a bare script. Problems are printed ones, each with its place. */
export async function readScenario(
  given: string,
  { machine, kernel = DEFAULT_KERNEL }: ScriptSurroundings = {},
): Promise<ReadScenario | { problems: string[] }> {
  const source = readScenarioFile(given);
  if ('problem' in source) return { problems: [source.problem] };
  const texts = new Map([[source.file, source.text]]);
  if (extname(source.file) === '.steps') {
    const found = await machineOf(source.file, machine, texts);
    if ('problems' in found) return found;
    return printed(loadSteps({ ...source, machine: found.machine, kernel }), source, texts);
  }
  if (machine !== undefined) {
    return {
      problems: [`${source.file}: --machine is for bare scripts (.steps): a scenario states its machine`],
    };
  }
  const machines = (name: string): SourceFile | null => {
    const found = findMachine(name, source.file);
    if (found) texts.set(found.file, found.text);
    return found;
  };
  return printed(
    await loadScenario({ ...source, machines, machineNames: datasetNames('machines') }),
    source,
    texts,
  );
}

/** A machine by its name in the package, or by its path as seen from the scenario's file. */
function findMachine(name: string, scenarioFile: string): SourceFile | null {
  const own = readDataset('machines', name);
  if (own) return own;
  const path = resolve(dirname(scenarioFile), name);
  if (extname(path) === '' || !existsSync(path)) return null;
  const found = readText(path);
  return 'problem' in found ? null : { file: name, text: found.text };
}

async function machineOf(
  file: string,
  name: string | undefined,
  texts: Map<string, string>,
): Promise<{ machine: Machine } | { problems: string[] }> {
  const names = datasetNames('machines');
  if (name === undefined)
    return { problems: [`${file}: a bare script needs --machine (${names.join(', ')})`] };
  const found = findMachine(name, '.');
  if (!found) return { problems: [`--machine: no machine "${name}": ${hint(name, names)}`] };
  texts.set(found.file, found.text);
  const loaded = await loadMachine(found);
  return 'problems' in loaded ? { problems: [words(loaded.problems, texts)] } : loaded;
}

function printed(
  loaded: Loaded<{ scenario: Scenario }>,
  source: SourceFile,
  texts: ReadonlyMap<string, string>,
): ReadScenario | { problems: string[] } {
  const problems = 'problems' in loaded ? loaded.problems : unmodelledSteps(loaded.scenario);
  if ('problems' in loaded || problems.length > 0) return { problems: [words(problems, texts)] };
  return { ...source, ...loaded };
}

function words(problems: readonly Problem[], texts: ReadonlyMap<string, string>): string {
  if (problems.length === 0) throw new Error('a file was refused for no reason');
  return formatProblems(problems, Object.fromEntries(texts));
}
