import { hazards, HAZARD_TITLES } from '../analysis/hazards.ts';
import { FINDING_IDS } from '../result/finding-ids.ts';
import { didYouMean } from '../units/closest-name.ts';
import type { StepResult, StrategyRun } from '../result/types.ts';
import { ReadingError, type ReadingKind, type ReadingWords } from './reading.ts';

/** `finding ID`: how often a law was broken or a hazard seen, up to a snapshot or in the whole run. */
export const FINDING_READING: ReadingKind = {
  usage: `finding ID, ID one of ${FINDING_IDS.join(', ')}`,
  of: 'either',
  parse(words) {
    const id = words.take('the finding', FINDING_IDS);
    return {
      unit: 'presence',
      read: ({ run, snapshot }) =>
        run.findings.filter((one) => one.id === id && (!snapshot || one.step <= snapshot.step)).length,
    };
  },
};

/** `hazard KIND`: how many hazards of a kind came up, up to a snapshot or in the whole run. */
export const HAZARD_READING: ReadingKind = {
  usage: `hazard KIND, KIND one of ${Object.keys(HAZARD_TITLES).join(', ')}`,
  of: 'either',
  parse(words) {
    const kind = words.take('the kind of hazard', Object.keys(HAZARD_TITLES));
    return {
      unit: 'presence',
      read: ({ run, snapshot }) =>
        hazards(run).filter((one) => one.kind === kind && (!snapshot || one.step <= snapshot.step)).length,
    };
  },
};

/** `killed WORKER`: how often the OOM killer took a worker, up to a snapshot or in the whole run. */
export const KILLED_READING: ReadingKind = {
  usage: 'killed WORKER',
  of: 'either',
  parse(words) {
    const worker = words.take('the worker', words.names.workers);
    return {
      unit: 'presence',
      read: ({ run, snapshot }) =>
        (run.kills ?? []).filter((one) => one.worker === worker && (!snapshot || one.step <= snapshot.step))
          .length,
    };
  },
};

/** `step TEXT`: what a step returned, the last time that it ran. */
export const STEP_READING: ReadingKind = {
  usage: 'step TEXT, TEXT a step as the script has it, without the result that it states',
  of: 'run',
  parse(words) {
    const step = takeStep(words);
    return {
      unit: 'errno',
      read: ({ run }) => {
        const done = step(run);
        if (!done) return null;
        return done.ret < 0 ? `-${done.errno}` : '0';
      },
    };
  },
};

/** `answer TEXT`: the words that a step came back with, the last time that it ran. */
export const ANSWER_READING: ReadingKind = {
  usage: 'answer TEXT, TEXT a step as the script has it, without the result that it states',
  of: 'run',
  parse(words) {
    const step = takeStep(words);
    return { unit: 'name', read: ({ run }) => step(run)?.message || null };
  },
};

/** Takes the words of a step, and finds what it did last in a run. */
function takeStep(words: ReadingWords): (run: StrategyRun) => StepResult | undefined {
  const text = words.takeRest('the step');
  const { steps } = words.names;
  if (steps !== null && !steps.map(singleBlanks).includes(text)) {
    throw new ReadingError(`no step of the script reads "${text}"${didYouMean(text, steps)}`);
  }
  return (run) => run.steps.filter((one) => singleBlanks(one.text) === text).at(-1);
}

const singleBlanks = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

/** `operations NAME`: how often a design did something that costs (took a lock, updated a counter), in the whole run. */
export const OPERATIONS_READING: ReadingKind = {
  usage: 'operations NAME, as in operations mmap_lock for write',
  of: 'run',
  parse(words) {
    const name = words.takeRest('the operation');
    return { unit: 'count', read: ({ run }) => run.counts[name] ?? 0 };
  },
};
