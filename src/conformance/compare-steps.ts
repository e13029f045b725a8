import type { StepResult } from '../result/types.ts';
import type { Step } from '../scenario/types.ts';
import { isOfflining } from './asked-of-memory.ts';
import type { RecordedStep } from './capture.ts';
import { guestExitWords } from './guest-exit-words.ts';
import { KHUGEPAGED_NOISE, WHERE } from './khugepaged-noise.ts';
import type { Tally } from './tally.ts';

/**
 * Compares what every step returned: errno, return value, and what its message states. `collapsedBy`: pages of the huge pages that khugepaged has
 * made by the snapshot that follows a step.
 */
export function compareSteps(
  tally: Tally,
  steps: readonly Step[],
  recorded: readonly RecordedStep[],
  results: readonly StepResult[],
  collapsedBy: (step: number) => number,
): void {
  recorded.forEach((kernel, at) => {
    const model = results[at];
    const step = steps[at];
    if (step && isOfflining(step)) return;
    const verb = step?.verb ?? 'step';
    tally.at({ step: kernel.n, snapshot: null, where: kernel.step });
    const field = (name: string, part: string, expected: string, given: string | null): void =>
      tally.text({ fieldClass: 'step results', field: part, name, kernel: expected, model: given });
    field(`${verb} errno`, 'errno', errnoWords(kernel.errno), model ? errnoWords(model.errno) : null);
    if (kernel.errno === '' && model?.errno === '') {
      field(`${verb} ret`, 'ret', String(kernel.ret), String(model.ret));
    }
    // A controller that is too early to reap a child does not learn what ended it.
    if (kernel.msg === 'worker died' && model?.message.startsWith(kernel.msg)) return;
    // Where no child was reaped, the status is what stood on the agent's stack.
    if (verb === 'reap' && kernel.errno !== '') return;
    const said = statementsOf(model?.message ?? '');
    for (const [name, value] of statementsOf(guestExitWords(kernel.msg))) {
      const given = said.get(name) ?? null;
      const part = `message ${name}`;
      const apart = Math.abs(Number(value) - Number(given));
      const isExcused = value !== given && WHERE.test(part) && apart <= collapsedBy(kernel.n);
      if (isExcused)
        tally.add({ fieldClass: 'step results', field: part, kernel: value, model: given }, [
          KHUGEPAGED_NOISE.id,
        ]);
      else field(part, part, value, given);
    }
  });
}

const errnoWords = (errno: string): string => (errno === '' ? 'success' : errno);

/** `name=value` words of a message by name; what is left of it is one statement of its own. */
function statementsOf(message: string): Map<string, string> {
  const statements = new Map<string, string>();
  const rest: string[] = [];
  for (const word of message.split(' ')) {
    const match = /^([^=]+)=(.*)$/.exec(word);
    if (match) statements.set(match[1]!, match[2]!);
    else if (word !== '') rest.push(word);
  }
  if (rest.length > 0) statements.set('text', rest.join(' '));
  return statements;
}
