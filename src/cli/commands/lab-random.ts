import { join } from 'node:path';
import { profileOf } from '../../conformance/capture-meta.ts';
import { notJudged } from '../../conformance/conform-capture.ts';
import type { Offence } from '../../conformance/tally.ts';
import { BootError } from '../../lab/boot-guest.ts';
import { GuestLost } from '../../lab/guest-link.ts';
import { PrepareError } from '../../lab/prepare-guest.ts';
import { unbootable } from '../../lab/qemu-machine.ts';
import {
  findDifference,
  randomId,
  type RandomLab,
  type RandomOutcome,
} from '../../lab/random/find-difference.ts';
import { labKernels, missingForLab } from '../../lab/requirements.ts';
import { mayHoldCapture, writeCapture } from '../../lab/write-capture.ts';
import { EXIT } from '../exit-codes.ts';
import { InputError } from '../input-error.ts';
import { LabBench } from '../lab-bench.ts';
import { say, showProgress } from '../progress.ts';
import { readMachine } from '../read-scenario.ts';
import { textOf, textsOf, type Arguments } from '../verb.ts';
import { judgeCapture } from '../judge-capture.ts';
import { DEFAULT_MACHINE, findKernel, wholeNumber } from './lab.ts';

/** Differences of one scenario that are printed. */
const MOST_PRINTED = 6;

/** `gmemlab lab --random`: random scenarios on a real kernel and on the model. */
export async function labRandomCommand(args: Arguments): Promise<number> {
  if (textsOf(args, 'scenario').length > 0) {
    throw new InputError(['--random makes its own scenarios: name none'], { isUsage: true });
  }
  const seed = seedOf(args);
  const count = wholeNumber(args, 'count');
  const limitS = wholeNumber(args, 'time-limit');
  const kernels = labKernels(textOf(args, 'kernels'));
  const missing = missingForLab(kernels, textOf(args, 'kernel'));
  const read = await readMachine(textOf(args, 'machine') ?? DEFAULT_MACHINE);
  if ('problems' in read) throw new InputError(read.problems);
  const { machine } = read;
  const problems = unbootable({ machine, processes: {} });
  if (machine.nodes.some(({ cpus }, nid) => cpus.length !== 1 || cpus[0] !== nid)) {
    problems.push('--random needs a machine with one CPU on each node, of the same number');
  }
  if (problems.length > 0) throw new InputError(problems);
  for (const words of missing) say(words);
  if (missing.length > 0) return EXIT.noVerdict;
  const kernel = findKernel(kernels, textOf(args, 'kernel'));
  const profile = profileOf(kernel.release);
  if (profile === null) {
    say(`no profile of the model speaks for ${kernel.release}`);
    return EXIT.noVerdict;
  }
  const bench = new LabBench({ kernel, machine, limitS });
  const counts: Record<RandomOutcome['kind'], number> = {
    same: 0,
    different: 0,
    known: 0,
    passing: 0,
    'not judged': 0,
  };
  const known: Offence[] = [];
  try {
    for (let at = 0; at < count; at++) {
      const one = seed + at;
      const progress = (words: string): void => {
        const line = `seed ${one} on ${kernel.release} (${at + 1} of ${count}): ${words}`;
        if (process.stderr.isTTY) showProgress(line);
        else say(line);
      };
      progress('running');
      const outcome = await findDifference(one, {
        machine,
        kernel: profile,
        capture: async (scenario) => bench.capture(scenario),
        judge: judgeFinished,
        known,
        progress,
      });
      counts[outcome.kind]++;
      tell(one, kernel.release, outcome);
      if (outcome.kind === 'different') {
        const [kept, ...rest] = outcome.offences;
        known.push(kept!, ...rest.filter(({ step, snapshot }) => snapshot === null && step === kept!.step));
        const dir = join(textOf(args, 'out')!, kernel.release, randomId(one));
        if (mayHoldCapture(dir)) writeCapture(dir, { capture: outcome.capture, stored: new Map() });
        const words = mayHoldCapture(dir) ? dir : `not stored: ${dir} holds something else`;
        process.stdout.write(`  capture: ${words}\n`);
      }
    }
  } catch (error) {
    if (!(error instanceof GuestLost || error instanceof BootError || error instanceof PrepareError))
      throw error;
    say(error.message);
    return EXIT.noVerdict;
  } finally {
    bench.stop();
  }
  const words = Object.entries(counts).map(([kind, number]) => `${number} ${kind}`);
  say(`${count} random scenarios on ${kernel.release}: ${words.join(', ')}`);
  if (counts.different + counts.known > 0) return EXIT.findings;
  return counts['not judged'] > 0 ? EXIT.noVerdict : EXIT.passed;
}

function seedOf(args: Arguments): number {
  const text = textOf(args, 'random')!;
  const seed = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(seed)) return seed;
  throw new InputError([`--random is "${text}", must be a seed: a whole number`], { isUsage: true });
}

/** The model's verdict; a model that breaks down over a scenario differs from a kernel that does not. */
const judgeFinished: RandomLab['judge'] = (capture) => {
  try {
    return judgeCapture(capture);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const offence: Offence = {
      fieldClass: 'step results',
      step: capture.steps.length,
      snapshot: null,
      where: 'the whole script',
      field: 'the model broke down',
      kernel: null,
      model: error.stack ?? error.message,
    };
    return { ...notJudged(capture, error.message), verdict: 'off', offences: [offence] };
  }
};

function tell(seed: number, release: string, outcome: RandomOutcome): void {
  showProgress('');
  const name = `seed ${seed} on ${release}`;
  if (outcome.kind === 'same') say(`${name}: ${outcome.steps} steps, no difference`);
  else if (outcome.kind === 'known') {
    say(`${name}: a difference in a field as before:\n${offenceWords(outcome.offences.slice(0, 1))}`);
  } else if (outcome.kind === 'not judged') say(`${name}: not judged: ${outcome.reason}`);
  else if (outcome.kind === 'passing') {
    say(`${name}: a difference that a second run did not show:\n${offenceWords(outcome.offences)}`);
  } else {
    const { lines, offences, isMinimal } = outcome;
    const script = lines.map((line) => `    ${line}\n`).join('');
    const words = isMinimal ? '' : ' (not shrunk to the end)';
    process.stdout.write(`${name}: kernel and model differ${words}\n${script}${offenceWords(offences)}`);
  }
}

function offenceWords(offences: readonly Offence[]): string {
  const shown = offences.slice(0, MOST_PRINTED).map(({ step, snapshot, where, field, kernel, model }) => {
    const at = snapshot === null ? `step ${step}` : `step ${step}, snapshot ${snapshot}`;
    return `  ${at}: ${where}: ${field}\n    - ${kernel ?? '(nothing)'}\n    + ${model ?? '(nothing)'}\n`;
  });
  const more = offences.length - shown.length;
  return `  - kernel, + model\n${shown.join('')}${more > 0 ? `  and ${more} more\n` : ''}`;
}
