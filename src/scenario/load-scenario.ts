import { checkMachine } from './check-machine.ts';
import { checkProcesses } from './check-processes.ts';
import { loadMachine } from './load-machine.ts';
import type { Loaded, SourceFile } from './loaded.ts';
import { ProblemList } from './place.ts';
import type { Path, PositionedDocument } from './positioned-document.ts';
import { readTop } from './read-top.ts';
import { checkSchema } from './schema-check.ts';
import { scenarioId } from './scenario-id.ts';
import { Section } from './section.ts';
import type { ProcessSource, ScenarioSource } from './source-types.ts';
import { checkScript } from './steps/check-script.ts';
import { scriptAt } from './steps/script-text.ts';
import { hint } from './suggest.ts';
import type { Machine, Problem, ProcessSpec, Scenario, Step } from './types.ts';

const DEFAULT_KERNEL = '6.12';
const DEFAULT_SEED = 1;

/** A scenario file and how to get at the machines that it may name. */
export interface ScenarioInput extends SourceFile {
  /** The file of a machine by its name, or null when there is none. */
  machines: (name: string) => SourceFile | null;
  /** Names that `machines` knows, for messages. */
  machineNames: readonly string[];
}

/**
 * Reads and checks a scenario (YAML or JSON) with its machine. All problems come at once: those of the scenario file in reading
 * order, then those of the machine's file.
 */
export async function loadScenario(input: ScenarioInput): Promise<Loaded<{ scenario: Scenario }>> {
  const { file, text } = input;
  const problems = new ProblemList({ file });
  const document = readTop(text, 'title, machine and steps', problems);
  if (!document) return { problems: problems.sorted() };
  const broken = await checkSchema('scenario', document, problems.report);
  const isSound = (key: string): boolean => !broken.some((path) => path[0] === key);
  // Where the schema found fault, only sound parts are looked at further.
  const source = document.value as Partial<ScenarioSource>;
  const { seed = DEFAULT_SEED, kernel = DEFAULT_KERNEL } = source;
  const found = isSound('machine')
    ? await findMachine(source.machine, input, document, problems)
    : NO_MACHINE;
  const processes = isSound('processes')
    ? readProcesses(source.processes ?? {}, found.machine, document, problems)
    : {};
  const steps = readSteps(
    document,
    { machine: found.machine, processes, seed: isSound('seed') ? seed : 0 },
    problems,
  );
  if (problems.count > 0 || found.problems.length > 0 || !found.machine) {
    return { problems: [...problems.sorted(), ...found.problems] };
  }
  const { title, description = '', sources = [], strategies = [], steps: script } = source as ScenarioSource;
  const { machine } = found;
  return {
    scenario: {
      id: scenarioId(file),
      file,
      title,
      description,
      sources,
      kernel,
      seed,
      machine,
      strategies,
      processes,
      steps,
      script,
    },
  };
}

interface FoundMachine {
  machine: Machine | null;
  /** Problems of the machine's own file. */
  problems: Problem[];
}

const NO_MACHINE: FoundMachine = { machine: null, problems: [] };

async function findMachine(
  source: ScenarioSource['machine'] | undefined,
  input: ScenarioInput,
  document: PositionedDocument,
  problems: ProblemList,
): Promise<FoundMachine> {
  if (source === undefined) return NO_MACHINE;
  if (typeof source === 'object') {
    const section = new Section({ document, base: ['machine'], report: problems.report });
    return { machine: checkMachine(source, section), problems: [] };
  }
  const path: Path = ['machine'];
  const found = input.machines(source);
  if (!found) {
    const known = input.machineNames.length === 0 ? 'there is none at all' : hint(source, input.machineNames);
    problems.report(
      document.place(path),
      'reference',
      document.about(path, `no machine "${source}": ${known}`),
    );
    return NO_MACHINE;
  }
  const loaded = await loadMachine(found);
  return 'problems' in loaded
    ? { machine: null, problems: loaded.problems }
    : { machine: loaded.machine, problems: [] };
}

function readProcesses(
  source: Readonly<Record<string, ProcessSource>>,
  machine: Machine | null,
  document: PositionedDocument,
  problems: ProblemList,
): Record<string, ProcessSpec> {
  const section = new Section({ document, base: [], report: problems.report });
  return checkProcesses(source, machine, section);
}

function readSteps(
  document: PositionedDocument,
  surroundings: Parameters<typeof checkScript>[1],
  problems: ProblemList,
): Step[] {
  const path: Path = ['steps'];
  if (typeof (document.value as Partial<ScenarioSource>).steps !== 'string') return [];
  const script = scriptAt(document, path);
  if (typeof script !== 'string') return checkScript(script, surroundings, problems.report);
  problems.report(document.place(path), 'schema', document.about(path, script));
  return [];
}
