import type { Verb } from '../types.ts';
import { CONTROLLER_RULES } from './controller-rules.ts';
import { FILE_RULES } from './file-rules.ts';
import { MAPPING_RULES } from './mapping-rules.ts';
import type { StepRule, StepRules } from './step-rule.ts';
import { TASK_RULES } from './task-rules.ts';
import { VM_RULES } from './vm-rules.ts';

/** Every verb there is; the type makes a forgotten one an error. */
const RULES: StepRules<Verb> = {
  ...CONTROLLER_RULES,
  ...TASK_RULES,
  ...FILE_RULES,
  ...MAPPING_RULES,
  ...VM_RULES,
};

/** What all kinds of file can do: second word to verb. */
const ON_FILES: Readonly<Record<string, Verb>> = {
  map: 'map',
  unmap: 'unmap',
  close: 'close',
  fallocate: 'fallocate',
  punch: 'punch',
  punchstride: 'punchstride',
  ftruncate: 'ftruncate',
  read: 'read',
  write: 'write file',
  stat: 'stat',
};

/** Verbs of two words, by the first and then the second. */
const PAIRS: Readonly<Record<string, Readonly<Record<string, Verb>>>> = {
  cgroup: { create: 'cgroup create', rm: 'cgroup rm', move: 'cgroup move', limit: 'cgroup limit' },
  gmem: { create: 'gmem create', policy: 'gmem policy', query: 'gmem query', ...ON_FILES },
  memfd: { create: 'memfd create', ...ON_FILES },
  file: { create: 'file create', ...ON_FILES },
  anon: { map: 'anon map', unmap: 'unmap' },
  vm: {
    create: 'vm create',
    cap: 'vm cap',
    slot: 'vm slot',
    unslot: 'vm unslot',
    attr: 'vm attr',
    touch: 'vm touch',
    ttouch: 'vm ttouch',
    'launch-update': 'vm launch-update',
    convert: 'vm convert',
    vcpu: 'vm vcpu',
    close: 'vm close',
  },
};

/** Verbs of one word: `gmem punch` is no `punch`. */
const SINGLES: ReadonlySet<string> = new Set(
  (Object.keys(RULES) as Verb[]).filter(
    (verb) => !verb.includes(' ') && !Object.values(ON_FILES).includes(verb),
  ),
);

/** What may open a step, blocks aside. */
export const FIRST_WORDS: readonly string[] = [...SINGLES, ...Object.keys(PAIRS)].sort();

/** What may follow a first word; undefined when the first word is a verb by itself (or nothing known). */
export function secondWords(first: string): readonly string[] | undefined {
  return Object.hasOwn(PAIRS, first) ? Object.keys(PAIRS[first]!) : undefined;
}

/** The verb that one or two words mean, with its rule. */
export function findVerb(
  first: string,
  second: string | undefined,
): { verb: Verb; rule: StepRule<Verb>; usage: string } | undefined {
  const isPair = Object.hasOwn(PAIRS, first) && second !== undefined;
  const verb = isPair ? ownVerb(PAIRS[first]!, second) : SINGLES.has(first) ? (first as Verb) : undefined;
  if (verb === undefined) return undefined;
  const rule = RULES[verb] as StepRule<Verb>;
  const written = isPair ? `${first} ${second}` : first;
  return { verb, rule, usage: rule.usage === '' ? written : `${written} ${rule.usage}` };
}

function ownVerb(verbs: Readonly<Record<string, Verb>>, word: string): Verb | undefined {
  return Object.hasOwn(verbs, word) ? verbs[word] : undefined;
}

/** Whether a verb is the controller's, which no worker can be told to do. */
export const isControllerVerb = (verb: Verb): boolean => verb in CONTROLLER_RULES;
