import { existsSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { formatProblems } from '../scenario/format-problems.ts';
import { loadMachine } from '../scenario/load-machine.ts';
import { loadScenario } from '../scenario/load-scenario.ts';
import { loadSteps } from '../scenario/load-steps.ts';
import type { Loaded, SourceFile } from '../scenario/loaded.ts';
import { ProblemList } from '../scenario/place.ts';
import { readDocument } from '../scenario/positioned-document.ts';
import { hint } from '../scenario/suggest.ts';
import type { Machine, Problem, Scenario } from '../scenario/types.ts';
import { namedStrategies } from './named-strategies.ts';
import type { OwnParts } from './plan-strategies.ts';
import { unmodelledSteps } from './unmodelled-steps.ts';
import { datasetNames, readDataset, readScenarioFile, readText } from './find-file.ts';

/** What a file is read with. */
export interface Surroundings {
  /** Machine of a bare script; YAML and JSON files state theirs. */
  machine?: string | undefined;
  /** Kernel of a bare script. */
  kernel?: Scenario['kernel'] | undefined;
  /** Where the strategies that the scenario names must be; null when they are not wanted. */
  own: OwnParts | null;
  /** A real kernel runs it: steps that the model does not know are fine. */
  forKernel?: boolean | undefined;
}

/** A scenario, or its problems as printed, each with its place. */
export type ReadScenario = { scenario: Scenario } | { problems: string[] };

const DEFAULT_KERNEL = '6.12';

/** Reads a scenario by path or name; a `.steps` file is a bare script. All problems come at once. */
export async function readScenario(
  given: string,
  { machine, kernel, own, forKernel = false }: Surroundings,
): Promise<ReadScenario> {
  const source = readScenarioFile(given);
  if ('problem' in source) return { problems: [source.problem] };
  const texts = new Map([[source.file, source.text]]);
  if (extname(source.file) === '.steps') {
    const found = await machineOf(source.file, machine, texts);
    if ('problems' in found) return found;
    return printed(loadSteps({ ...source, machine: found.machine, kernel: kernel ?? DEFAULT_KERNEL }), {
      more: [],
      texts,
      forKernel,
    });
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
  const loaded = await loadScenario({ ...source, machines, machineNames: datasetNames('machines') });
  return printed(loaded, { more: own ? strategyProblems(source, own) : [], texts, forKernel });
}

/** Reads a machine by its name in the package, or by its path. */
export async function readMachine(name: string): Promise<{ machine: Machine } | { problems: string[] }> {
  return machineOf('--machine', name, new Map());
}

/** Strategies that the scenario names and that don't exist, or that its expectations wait for in vain. */
function strategyProblems({ file, text }: SourceFile, own: OwnParts): Problem[] {
  const document = readDocument(text, new ProblemList({ file }));
  if (!document) return [];
  return namedStrategies(document.value, { ...own, ownIds: [] }).map(({ path, words }): Problem => {
    return { file, ...document.place(path), message: document.about(path, words), reason: 'reference' };
  });
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
  {
    more,
    texts,
    forKernel,
  }: { more: readonly Problem[]; texts: ReadonlyMap<string, string>; forKernel: boolean },
): ReadScenario {
  const known = 'problems' in loaded || forKernel ? [] : unmodelledSteps(loaded.scenario);
  const found = 'problems' in loaded ? loaded.problems : known;
  const problems = [...found, ...more];
  return 'problems' in loaded || problems.length > 0 ? { problems: [words(problems, texts)] } : loaded;
}

function words(problems: readonly Problem[], texts: ReadonlyMap<string, string>): string {
  if (problems.length === 0) throw new Error('a file was refused for no reason');
  return formatProblems(problems, Object.fromEntries(texts));
}
