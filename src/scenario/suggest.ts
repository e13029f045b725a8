import { closestName } from '../units/closest-name.ts';

/** Ends a message about a word that is no valid choice: the likely one, then all of them. */
export function hint(word: string, choices: readonly string[]): string {
  const near = closestName(word, choices);
  const all = `one of ${choices.join(', ')}`;
  return near === undefined ? all : `did you mean "${near}"? O${all.slice(1)}`;
}
