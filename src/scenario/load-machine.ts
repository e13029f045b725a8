import { checkMachine } from './check-machine.ts';
import { type Draft, withoutBroken } from './draft.ts';
import type { Loaded, SourceFile } from './loaded.ts';
import { ProblemList } from './place.ts';
import { readTop } from './read-top.ts';
import { checkSchema } from './schema-check.ts';
import { Section } from './section.ts';
import type { MachineSource } from './source-types.ts';
import type { Machine, Problem } from './types.ts';

/** Reads and checks a machine file (YAML or JSON). */
export async function loadMachine(source: SourceFile): Promise<Loaded<{ machine: Machine }>> {
  const { machine, problems } = await draftMachine(source);
  return machine && problems.length === 0 ? { machine } : { problems };
}

/** As loadMachine, but with what can be said of the machine in spite of its problems (see checkMachine). */
export async function draftMachine({
  file,
  text,
}: SourceFile): Promise<{ machine: Machine | null; problems: Problem[] }> {
  const problems = new ProblemList({ file });
  const document = readTop(text, 'title and nodes', problems);
  if (!document) return { machine: null, problems: problems.sorted() };
  const broken = await checkSchema('machine', document, problems.report);
  const source = withoutBroken(document.value, broken) as Draft<MachineSource>;
  const section = new Section({ document, base: [], report: problems.report });
  const machine = checkMachine(source, section);
  return { machine, problems: problems.sorted() };
}
