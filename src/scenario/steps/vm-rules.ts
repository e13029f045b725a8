import { parseSize, PAGE_SIZE } from '../../units/pages.ts';
import {
  readChoice,
  readNumber,
  takeChoice,
  takeCpu,
  takeKeyedNumber,
  takeNumber,
  takeRandom,
  takeSize,
  takeStride,
} from './arguments.ts';
import type { StepArgs } from '../types.ts';
import { takeObject } from './name-arguments.ts';
import { NO_OBJECT } from './name-rules.ts';
import { takePolicy } from './policy-arguments.ts';
import type { StepRules } from './step-rule.ts';
import type { StepWords } from './step-words.ts';

/** Steps on the worker's VM, and the VMM's wish for private memory. */
export const VM_RULES: StepRules<
  | 'gmem policy'
  | 'gmem query'
  | 'vm create'
  | 'vm cap'
  | 'vm slot'
  | 'vm unslot'
  | 'vm attr'
  | 'vm touch'
  | 'vm ttouch'
  | 'vm launch-update'
  | 'vm convert'
  | 'vm vcpu'
  | 'vm close'
> = {
  'gmem policy': {
    usage: 'NAME OFF LEN MODE[=FLAG] [NODES] [move]',
    read: (words) => ({
      name: takeObject(words),
      offset: takeSize(words, 'OFF'),
      bytes: takeSize(words, 'LEN'),
      move: words.flag('move'),
      ...takePolicy(words),
    }),
  },
  'gmem query': {
    usage: 'NAME OFF',
    read: (words) => ({ name: takeObject(words), offset: takeSize(words, 'OFF') }),
  },
  'vm create': {
    usage: '[swprot|snp]',
    read: (words) => ({
      type: words.peek() === undefined ? 'default' : takeChoice(words, 'type of VM', ['swprot', 'snp']),
    }),
  },
  'vm cap': { usage: '', read: () => ({}) },
  'vm slot': {
    usage: 'SLOT GPA LEN OBJECT|none OFF [GMEM GMEM_OFF]',
    read: (words) => {
      const slot = takeNumber(words, 'SLOT');
      const { gpa, bytes } = takeGuestRange(words);
      const object = takeObjectOrNone(words, 'OBJECT');
      const offset = takeSize(words, 'OFF');
      const hasGmem = words.peek() !== undefined;
      const gmem = hasGmem ? takeObject(words, 'GMEM') : null;
      return {
        slot,
        gpa,
        bytes,
        object,
        offset,
        gmem,
        gmemOffset: hasGmem ? takeSize(words, 'GMEM_OFF') : 0,
      };
    },
  },
  'vm unslot': { usage: 'SLOT', read: (words) => ({ slot: takeNumber(words, 'SLOT') }) },
  'vm attr': {
    usage: 'GPA LEN private|shared',
    read: (words) => ({
      ...takeGuestRange(words),
      to: takeChoice(words, 'attribute', ['private', 'shared']),
    }),
  },
  'vm touch': {
    usage: 'GPA LEN [CODE_OBJECT] [STEP] [vcpu=N] [root=N] [random=COUNT [seed=N]]',
    read: (words) => {
      const range = takeGuestRange(words);
      const vcpu = takeVcpu(words);
      const root = takeKeyedNumber(words, 'root', 0);
      const random = takeRandom(words, range.bytes);
      const code = isObjectNext(words) ? takeObjectOrNone(words, 'CODE_OBJECT') : null;
      const step = words.peek() === undefined ? PAGE_SIZE : takeStride(words, 'STEP');
      return { ...range, code, step, vcpu, random, ...(root > 0 ? { root } : {}) };
    },
  },
  'vm ttouch': {
    usage: 'GPA LEN [CODE_OBJECT] CPU MODE[=FLAG] [NODES]',
    read: (words) => ({
      ...takeGuestRange(words),
      code: isObjectNext(words) ? takeObjectOrNone(words, 'CODE_OBJECT') : null,
      cpu: takeCpu(words),
      ...takePolicy(words),
    }),
  },
  'vm launch-update': { usage: 'GPA LEN', read: takeGuestRange },
  'vm convert': {
    usage: 'GPA LEN private|shared [implicit] [keep | discard=none|private|shared|both]',
    read: (words) => ({
      ...takeGuestRange(words),
      to: takeChoice(words, 'attribute', ['private', 'shared']),
      how: words.flag('implicit') ? 'implicit' : 'explicit',
      discard: takeDiscard(words),
    }),
  },
  'vm vcpu': {
    usage: 'INDEX CPU MODE[=FLAG] [NODES]',
    read: (words) => {
      const index = takeNumber(words, 'INDEX');
      words.surroundings.names.make('vCPU thread', String(index));
      return { index, cpu: takeCpu(words), ...takePolicy(words) };
    },
  },
  'vm close': { usage: '', read: () => ({}) },
};

function takeGuestRange(words: StepWords): { gpa: number; bytes: number } {
  return { gpa: takeSize(words, 'GPA'), bytes: takeSize(words, 'LEN') };
}

/** `discard=POOL`, or `keep` for none; absent: the pool that the range leaves. */
function takeDiscard(words: StepWords): StepArgs['vm convert']['discard'] {
  const isKept = words.flag('keep');
  const word = words.keyed('discard');
  if (!word) return isKept ? 'none' : 'left';
  if (isKept) words.complain(word, 'step', 'keep says already that nothing is discarded');
  return readChoice(words, word, word.text, 'pool', ['none', 'private', 'shared', 'both']);
}

function takeObjectOrNone(words: StepWords, what: string): string | null {
  if (words.peek() !== NO_OBJECT) return takeObject(words, what);
  words.take(what);
  return null;
}

/** Names of objects start with a letter, sizes and CPUs with a digit. */
function isObjectNext(words: StepWords): boolean {
  const next = words.peek();
  return next !== undefined && !/^[\d-]/.test(next) && parseSize(next) === undefined;
}

function takeVcpu(words: StepWords): number | null {
  const word = words.keyed('vcpu');
  if (!word) return null;
  const index = readNumber(words, word, 0);
  if (!words.mayFail) words.surroundings.names.use('vCPU thread', String(index), words.placeOf(word));
  return index;
}
