import { didYouMean } from '../units/closest-name.ts';
import { LOCKS_READING, METADATA_READING } from './cost-readings.ts';
import { CGROUP_READING, MEMINFO_READING, NODE_READING } from './memory-readings.ts';
import { GAINED_READING, MOVED_READING, NOT_MOVED_READING } from './mover-readings.ts';
import { PROCESS_READING } from './process-readings.ts';
import {
  type Reading,
  ReadingError,
  type ReadingKind,
  type ReadingNames,
  ReadingWords,
  UnknownWordError,
} from './reading.ts';
import {
  ANSWER_READING,
  FINDING_READING,
  HAZARD_READING,
  KILLED_READING,
  OPERATIONS_READING,
  STEP_READING,
} from './run-readings.ts';
import { BOTH_POOLS_READING } from './pool-readings.ts';
import { LARGEST_USER_READING, OBJECT_READING, OOM_VICTIM_READING } from './truth-readings.ts';

/** Everything that a scenario can expect a value of, by the first word. */
const KINDS: Readonly<Record<string, ReadingKind>> = {
  process: PROCESS_READING,
  cgroup: CGROUP_READING,
  node: NODE_READING,
  meminfo: MEMINFO_READING,
  object: OBJECT_READING,
  'both-pools': BOTH_POOLS_READING,
  'oom-victim': OOM_VICTIM_READING,
  'largest-user': LARGEST_USER_READING,
  finding: FINDING_READING,
  hazard: HAZARD_READING,
  killed: KILLED_READING,
  moved: MOVED_READING,
  'not-moved': NOT_MOVED_READING,
  gained: GAINED_READING,
  step: STEP_READING,
  answer: ANSWER_READING,
  operations: OPERATIONS_READING,
  metadata: METADATA_READING,
  locks: LOCKS_READING,
};

/** A reading of some words, with what it looks at; or what is wrong with the words. */
export type ParsedReading = { reading: Reading; of: ReadingKind['of'] } | { problem: string };

/** Reads the words of a reading: `process qemu rss`, `node 2 FilePages`, `object ram node 1`, … */
export function parseReading(text: string, names: ReadingNames): ParsedReading {
  const [first = '', ...rest] = text.trim().split(/\s+/);
  const kind = Object.hasOwn(KINDS, first) ? KINDS[first]! : undefined;
  if (!kind) {
    const kinds = Object.keys(KINDS);
    return {
      problem: `"${first}" is nothing that can be read${didYouMean(first, kinds)}: one of ${kinds.join(', ')}`,
    };
  }
  const words = new ReadingWords(rest.join(' '), names);
  try {
    const reading = kind.parse(words);
    words.finish();
    return { reading, of: kind.of };
  } catch (error) {
    if (!(error instanceof ReadingError)) throw error;
    return { problem: `${error.message}${nearest(error)}: ${kind.usage}` };
  }
}

function nearest(error: ReadingError): string {
  return error instanceof UnknownWordError ? didYouMean(error.word, error.choices) : '';
}
