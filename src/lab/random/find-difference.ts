import type { Capture } from '../../conformance/capture.ts';
import type { CaptureResult } from '../../conformance/conform-capture.ts';
import type { Offence } from '../../conformance/tally.ts';
import type { Scenario } from '../../scenario/types.ts';
import { FIRST_SNAPSHOT, randomScript } from './random-script.ts';
import { shrinkLines } from './shrink-lines.ts';
import { scenarioOf, validLines, type RandomGround } from './valid-lines.ts';

/** How random scenarios are run and judged. */
export interface RandomLab extends RandomGround {
  /** Runs a scenario on the real kernel. */
  capture: (scenario: Scenario) => Promise<Capture>;
  /** Compares the model with what the kernel said. */
  judge: (capture: Capture) => CaptureResult;
  /** Differences that were shrunk before: no other scenario is shrunk for the same field. */
  known: readonly Offence[];
  /** Tells what is being done. */
  progress: (words: string) => void;
}

/** What came of one random scenario. */
export type RandomOutcome =
  | { kind: 'same'; steps: number }
  | { kind: 'not judged'; reason: string }
  /** A difference in the same field as one that was shrunk before. */
  | { kind: 'known'; offences: Offence[] }
  /** A difference that a second run of the same steps did not show. */
  | { kind: 'passing'; offences: Offence[] }
  | {
      kind: 'different';
      lines: string[];
      /** What the lines show, the difference that was kept while others were left out first. */
      offences: Offence[];
      capture: Capture;
      isMinimal: boolean;
    };

/** Lines of a random scenario beside its snapshots. */
const LENGTH = 26;
/** Most runs that shrinking one scenario takes. */
const MOST_RUNS = 60;

/** Name of a random scenario. */
export const randomId = (seed: number): string => `random-${seed}`;

/** The lines of a seed's scenario, as far as model and lab can run them. */
export function randomLines(seed: number, ground: RandomGround): string[] {
  const nodes = ground.machine.nodes.length;
  const script = randomScript({ seed, kernel: ground.kernel, nodes, length: LENGTH });
  return validLines(script.trimEnd().split('\n'), ground);
}

/** Runs one random scenario; shrinks it when kernel and model differ twice in the same field. */
export async function findDifference(seed: number, lab: RandomLab): Promise<RandomOutcome> {
  const id = randomId(seed);
  const lines = randomLines(seed, lab);
  const run = async (
    some: readonly string[],
  ): Promise<{ result: CaptureResult; capture: Capture } | null> => {
    const scenario = scenarioOf(id, some, lab);
    if (!scenario) return null;
    const capture = await lab.capture(scenario);
    return { capture, result: lab.judge(capture) };
  };
  const first = await run(lines);
  if (!first) throw new Error(`the script of seed ${seed} is not valid`);
  const { verdict, reason, offences } = first.result;
  if (verdict === 'not judged') return { kind: 'not judged', reason: reason ?? '' };
  if (offences.length === 0) return { kind: 'same', steps: lines.length };
  const offence = offences.find((one) => !lab.known.some((other) => isAlike(other, one)));
  if (!offence) return { kind: 'known', offences };
  // What happened after the first difference does not matter to it.
  const head = validLines(lines.slice(0, offence.step), lab);
  // A step that ends otherwise now, without the line that it hung on, has a difference of its own, which hides the one that is looked for.
  const goesAstray = (found: readonly Offence[]): boolean =>
    found.some((one) => one.snapshot === null && !offences.some((other) => isAlike(other, one)));
  let last: { capture: Capture; offences: Offence[] } | null = null;
  const shows = async (some: readonly string[]): Promise<boolean> => {
    lab.progress(`shrinking: ${some.length} lines`);
    const tried = await run(some);
    const kept = tried?.result.offences.find((other) => isAlike(other, offence));
    if (!tried || !kept || goesAstray(tried.result.offences)) return false;
    const rest = tried.result.offences.filter((other) => other !== kept);
    last = { capture: tried.capture, offences: [kept, ...rest] };
    return true;
  };
  if (!(await shows(head))) return { kind: 'passing', offences };
  const valid = (some: readonly string[]): string[] => validLines(some, lab);
  // Everything is counted from the first snapshot on.
  const keeps = (line: string): boolean => line === FIRST_SNAPSHOT;
  const { lines: fewest, isMinimal } = await shrinkLines(head, { valid, shows, keeps, most: MOST_RUNS });
  return { kind: 'different', lines: fewest, isMinimal, ...last! };
}

/** Whether two differences are of the same field, wherever they stand. */
function isAlike(a: Offence, b: Offence): boolean {
  return a.fieldClass === b.fieldClass && nameOf(a) === nameOf(b);
}

/** The field, wherever a mapping lies. */
const nameOf = ({ field, snapshot, where }: Offence): string => {
  const name = field.replaceAll(/\b[0-9a-f]{8,}\b/g, 'address');
  return snapshot === null ? `${name} of ${verbOf(where)}` : name;
};

/** The words of a step before its first name or number. */
const verbOf = (step: string): string => /^(?:\w+: )?((?:[a-z_]+ ?)+)(?: |$)/.exec(step)?.[1] ?? step;
