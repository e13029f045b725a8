import { checkExpectations } from './check-expectations.ts';
import { checkMachine } from './check-machine.ts';
import { checkProcesses } from './check-processes.ts';
import { type Draft, withoutBroken } from './draft.ts';
import { expectable } from './expectable.ts';
import { draftMachine } from './load-machine.ts';
import type { Loaded, SourceFile } from './loaded.ts';
import { ProblemList } from './place.ts';
import type { PositionedDocument } from './positioned-document.ts';
import { readTop } from './read-top.ts';
import { scenarioId } from './scenario-id.ts';
import { checkSchema } from './schema-check.ts';
import { Section } from './section.ts';
import type { ScenarioSource } from './source-types.ts';
import { checkScript, type ScriptSurroundings } from './steps/check-script.ts';
import { scriptAt } from './steps/script-text.ts';
import { hint } from './suggest.ts';
import type { Machine, Problem, Scenario, Step } from './types.ts';

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
  // What the schema finds fault with is left out, so that the rest can be checked in the same go.
  const source = withoutBroken(document.value, broken) as Draft<ScenarioSource>;
  const section = new Section({ document, base: [], report: problems.report });
  const { seed = DEFAULT_SEED, kernel = DEFAULT_KERNEL } = source;
  const { machine, problems: elsewhere } = await findMachine(source.machine, input, document, problems);
  const processes = checkProcesses(source.processes ?? {}, machine, section);
  const before = problems.count;
  const steps =
    source.steps === undefined ? [] : readSteps(document, { machine, processes, seed }, section, problems);
  const isScriptSound = problems.count === before && source.steps !== undefined;
  const expectations = checkExpectations(
    source.expect ?? [],
    expectable({ machine, kernel, processes, steps: isScriptSound ? steps : null }),
    section,
  );
  if (kernel === '6.12' && source.proposed?.includes('in-place-conversion')) {
    const words =
      'in-place-conversion builds on mmap() of a guest_memfd, which 6.12 lacks: kernel is to be "6.18" or "7.3"';
    section.complain(['proposed'], 'range', words);
  }
  if (problems.count > 0 || elsewhere.length > 0 || !machine) {
    return { problems: [...problems.sorted(), ...elsewhere] };
  }
  const { title, description = '', sources = [], strategies = [], steps: script } = source as ScenarioSource;
  const { proposed = [] } = source as ScenarioSource;
  return {
    scenario: {
      id: scenarioId(file),
      file,
      title,
      description,
      sources,
      kernel,
      ...(proposed.length > 0 ? { proposed } : {}),
      seed,
      machine,
      strategies,
      processes,
      steps,
      script,
      expectations,
    },
  };
}

interface FoundMachine {
  machine: Machine | null;
  /** Problems of the machine's own file. */
  problems: Problem[];
}

async function findMachine(
  source: Draft<ScenarioSource>['machine'],
  input: ScenarioInput,
  document: PositionedDocument,
  problems: ProblemList,
): Promise<FoundMachine> {
  const section = new Section({ document, base: ['machine'], report: problems.report });
  if (source === undefined) return { machine: null, problems: [] };
  if (typeof source === 'object') return { machine: checkMachine(source, section), problems: [] };
  const found = input.machines(source);
  if (found) return draftMachine(found);
  const known = input.machineNames.length === 0 ? 'there is none at all' : hint(source, input.machineNames);
  section.complain([], 'reference', `no machine "${source}": ${known}`);
  return { machine: null, problems: [] };
}

function readSteps(
  document: PositionedDocument,
  surroundings: ScriptSurroundings,
  section: Section,
  problems: ProblemList,
): Step[] {
  const script = scriptAt(document, ['steps']);
  if (typeof script !== 'string') return checkScript(script, surroundings, problems.report);
  section.complain(['steps'], 'schema', script);
  return [];
}
