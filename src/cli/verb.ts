import type { Options } from 'yargs';

/** What yargs makes of a word, or of several. */
export type Word = string | number | boolean;

/** What a verb was given, by option and operand; `_` holds the verb and what follows its operands. */
export type Arguments = Readonly<Record<string, Word | readonly Word[] | undefined>>;

/** One verb of the command line: what yargs needs to know, and nothing that takes time to load. */
export interface Verb {
  readonly name: string;
  readonly describe: string;
  /** Things named without an option; `isList` takes any number, `isRequired` at least one. */
  readonly operand?:
    | {
        readonly name: string;
        readonly describe: string;
        readonly isRequired: boolean;
        readonly isList: boolean;
        readonly choices?: readonly string[] | undefined;
      }
    | undefined;
  readonly options: Readonly<Record<string, Options>>;
  /** A command line that works, and what it does. */
  readonly example: readonly [command: string, words: string];
  /** Does the work; resolves to the exit status. */
  handle(args: Arguments): Promise<number>;
}

/** Value of an option that takes a text. */
export function textOf(args: Arguments, name: string): string | undefined {
  const value = args[name];
  return typeof value === 'string' ? value : undefined;
}

/** Values of an option or operand that may be given several times. */
export function textsOf(args: Arguments, name: string): string[] {
  const value = args[name];
  return Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : [];
}

/** Whether a switch is on. */
export function isOn(args: Arguments, name: string): boolean {
  return args[name] === true;
}
