import { extname } from 'node:path';
import { formatProblems } from '../../scenario/format-problems.ts';
import { loadMachine } from '../../scenario/load-machine.ts';
import { ProblemList } from '../../scenario/place.ts';
import { readDocument } from '../../scenario/positioned-document.ts';
import { EXIT } from '../exit-codes.ts';
import { readText } from '../find-file.ts';
import { InputError } from '../input-error.ts';
import { loadPartFile } from '../load-part-file.ts';
import { loadCatalogue, type OwnParts } from '../plan-strategies.ts';
import { readScenario } from '../read-scenario.ts';
import { textOf, textsOf, type Arguments } from '../verb.ts';

/** What a sound file is, in words, or everything that is wrong with it. */
type Validity = { words: string } | { problems: string[] };

/** `gmemlab validate`: checks files without running anything. */
export async function validateCommand(args: Arguments): Promise<number> {
  const problems: string[] = [];
  const own = await loadCatalogue(textsOf(args, 'strategy-file'));
  problems.push(...own.problems);
  for (const file of textsOf(args, 'file')) {
    const found = await validate(file, textOf(args, 'machine'), own);
    if ('problems' in found) problems.push(...found.problems);
    else process.stdout.write(`${file}: ${found.words}\n`);
  }
  if (problems.length > 0) throw new InputError(problems);
  return EXIT.passed;
}

async function validate(file: string, machine: string | undefined, own: OwnParts): Promise<Validity> {
  if (['.js', '.mjs', '.cjs', '.ts', '.mts'].includes(extname(file))) {
    const checked = await loadPartFile(file);
    if ('problems' in checked) return checked;
    const { axis, id } = checked.part.meta;
    return { words: `${axis} part "${id}"` };
  }
  const source = readText(file);
  if ('problem' in source) return { problems: [source.problem] };
  if (isMachine(source.text)) return validateMachine(source);
  const read = await readScenario(file, { machine, own });
  return 'problems' in read ? read : { words: `scenario "${read.scenario.title}"` };
}

/** A machine has nodes and no steps. */
function isMachine(text: string): boolean {
  const value = readDocument(text, new ProblemList({ file: '' }))?.value;
  return typeof value === 'object' && value !== null && 'nodes' in value && !('steps' in value);
}

async function validateMachine(source: { file: string; text: string }): Promise<Validity> {
  const loaded = await loadMachine(source);
  if ('problems' in loaded) {
    return { problems: [formatProblems(loaded.problems, { [source.file]: source.text })] };
  }
  return { words: `machine "${loaded.machine.title}"` };
}
