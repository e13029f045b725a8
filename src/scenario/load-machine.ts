import { checkMachine } from './check-machine.ts';
import type { Loaded, SourceFile } from './loaded.ts';
import { ProblemList } from './place.ts';
import { readTop } from './read-top.ts';
import { checkSchema } from './schema-check.ts';
import { Section } from './section.ts';
import type { MachineSource } from './source-types.ts';
import type { Machine } from './types.ts';

/** Reads and checks a machine file (YAML or JSON). */
export async function loadMachine({ file, text }: SourceFile): Promise<Loaded<{ machine: Machine }>> {
  const problems = new ProblemList({ file });
  const document = readTop(text, 'title and nodes', problems);
  let machine: Machine | null = null;
  if (document) {
    const broken = await checkSchema('machine', document, problems.report);
    if (broken.length === 0) {
      const section = new Section({ document, base: [], report: problems.report });
      machine = checkMachine(document.value as MachineSource, section);
    }
  }
  return machine && problems.count === 0 ? { machine } : { problems: problems.sorted() };
}
