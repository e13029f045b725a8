import yargs, { type Argv } from 'yargs';
import { didYouMean } from '../units/closest-name.ts';
import { checkArguments } from './check-arguments.ts';
import { EXIT } from './exit-codes.ts';
import { InputError } from './input-error.ts';
import { packageVersion } from './package-root.ts';
import type { Arguments, Verb, Word } from './verb.ts';
import { compare } from './verbs/compare.ts';
import { conform } from './verbs/conform.ts';
import { doctor } from './verbs/doctor.ts';
import { lab } from './verbs/lab.ts';
import { list } from './verbs/list.ts';
import { run } from './verbs/run.ts';
import { validate } from './verbs/validate.ts';

const VERBS: readonly Verb[] = [run, compare, conform, lab, list, validate, doctor];
const NAMES: readonly string[] = [...VERBS.map(({ name }) => name), 'completion'];
const COMPLETING = '--get-yargs-completions';

/** Runs a command line, writes to the process' streams and resolves to its exit status. */
export async function runCli(args: readonly string[]): Promise<number> {
  let status: number = EXIT.passed;
  let verbName = '';
  let parser = yargs([...args])
    .scriptName('gmemlab')
    .usage('gmemlab VERB ...\n\nCompares ways to account for guest_memfd on a model of Linux and KVM.')
    .locale('en')
    .exitProcess(false)
    .parserConfiguration({ 'camel-case-expansion': false, 'dot-notation': false })
    .version('version', 'Print the version', packageVersion())
    .help('help', 'Print this help')
    .wrap(Math.min(process.stdout.columns || 100, 110))
    .fail((message: string | null, error?: Error) => {
      throw error && !isYargsError(error) ? error : usageError(message ?? error?.message ?? '', verbName);
    })
    .epilogue(
      'Exit status: 0 passed, 1 findings, 2 wrong usage or input, 3 internal error, 4 no verdict, 130 interrupted.',
    );
  for (const verb of VERBS) {
    parser = parser.command(
      commandText(verb),
      verb.describe,
      (builder: Argv) => {
        verbName = verb.name;
        return declare(builder, verb);
      },
      async (words) => {
        const given = words as Arguments;
        if (args.includes(COMPLETING)) return;
        const problems = checkArguments(verb, given, args);
        if (problems.length > 0) throw new InputError(problems, { isUsage: true });
        status = await verb.handle(given);
      },
    );
  }
  parser = parser.completion(
    'completion',
    'Print a completion script for bash or zsh',
    async (_current: string, _given: unknown, byYargs: () => unknown, done: (found: string[]) => void) => {
      const { completeNames } = await import('./complete-names.ts');
      const names = await completeNames(args.slice(args.indexOf(COMPLETING) + 1), VERBS);
      if (names.length > 0) done(names);
      else byYargs();
    },
  );
  for (const { example } of VERBS) parser = parser.example(...(example as [string, string]));
  parser = parser.example(
    'gmemlab completion >> ~/.bashrc',
    'Complete verbs, options and names with the Tab key',
  );
  try {
    const given = await parser.parseAsync();
    if (!args.includes(COMPLETING)) requireVerb(given as Arguments);
    return status;
  } catch (error) {
    return explain(error, verbName);
  }
}

function commandText({ name, operand }: Verb): string {
  if (!operand) return name;
  const words = operand.name + (operand.isList ? '..' : '');
  return `${name} ${operand.isRequired ? `<${words}>` : `[${words}]`}`;
}

function declare(builder: Argv, { operand, options, example }: Verb): Argv {
  if (operand) {
    const { name, describe, choices } = operand;
    const words = choices ? `${describe}: ${choices.join(', ')}` : describe;
    builder.positional(name, { type: 'string', describe: words });
  }
  // Choices are checked by `checkArguments`, whose messages say more than those of yargs.
  for (const [name, { choices, ...option }] of Object.entries(options)) {
    const words = choices ? `${option.describe} (${choices.join(', ')})` : option.describe;
    builder.option(name, { ...option, ...(words === undefined ? {} : { describe: words }) });
  }
  return builder.example(...(example as [string, string]));
}

function requireVerb(given: Arguments): void {
  const [name] = given['_'] as readonly Word[];
  if (given['help'] === true || given['version'] === true) return;
  if (name !== undefined && NAMES.includes(String(name))) return;
  const choices = `(${NAMES.join(', ')})`;
  const words =
    name === undefined
      ? `no verb given ${choices}`
      : `no verb "${name}"${didYouMean(String(name), NAMES)} ${choices}`;
  throw new InputError([words], { isUsage: true });
}

const isYargsError = (error: Error): boolean => error.name === 'YError';

/** What yargs itself complains about, in our words. */
function usageError(message: string, verbName: string): InputError {
  const operand = VERBS.find(({ name }) => name === verbName)?.operand;
  const option = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  const isMissing = operand && message.startsWith('Not enough non-option arguments');
  const words = isMissing
    ? `${verbName} needs a ${operand.name}`
    : option
      ? `--${option} needs a value`
      : message;
  return new InputError([words], { isUsage: true });
}

function explain(error: unknown, verbName: string): number {
  if (error instanceof InputError) {
    const see = error.isUsage ? [`See: gmemlab ${verbName ? `${verbName} ` : ''}--help`] : [];
    const lines = [...error.problems, ...see].map((line) => (line.endsWith('\n') ? line : `${line}\n`));
    process.stderr.write(lines.join(''));
    return EXIT.input;
  }
  if (error instanceof Error && 'syscall' in error) {
    process.stderr.write(`gmemlab: ${error.message}\n`);
    return EXIT.noVerdict;
  }
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`gmemlab: internal error; this is a defect of gmemlab, not of its input\n${words}\n`);
  return EXIT.internal;
}
