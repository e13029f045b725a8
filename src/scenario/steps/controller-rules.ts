import { parseSize } from '../../units/pages.ts';
import { takeNode, takeNodes, takeNumber } from './arguments.ts';
import { takeCgroup, takeFileName, takeNew, takeWorker } from './name-arguments.ts';
import type { Word } from './split-line.ts';
import type { StepRules } from './step-rule.ts';
import type { StepWords } from './step-words.ts';

const SIGKILL = 9;
/** How long a memory block is waited for when the step does not say. */
const BLOCK_TIMEOUT_MS = 5000;

/** Steps of the controller, which stands outside every worker. */
export const CONTROLLER_RULES: StepRules<
  | 'snapshot'
  | 'spawn'
  | 'kill'
  | 'wait'
  | 'cgroup create'
  | 'cgroup rm'
  | 'cgroup move'
  | 'cgroup limit'
  | 'migratepages'
  | 'compact'
  | 'dropcaches'
  | 'write'
  | 'save'
  | 'exec'
  | 'mount'
  | 'mkdir'
  | 'offline'
  | 'online'
  | 'offline_node'
  | 'dmesg'
  | 'sleep'
  | 'settle'
  | 'note'
> = {
  snapshot: { usage: 'LABEL', read: (words) => ({ label: takeFileName(words, 'LABEL', 'label') }) },
  spawn: { usage: 'WORKER', read: (words) => ({ worker: takeNew(words, 'worker') }) },
  kill: {
    usage: 'WORKER [SIGNAL]',
    read: (words) => ({ worker: takeWorker(words), signal: takeOptional(words, 'SIGNAL', SIGKILL, 0) }),
  },
  wait: { usage: 'WORKER', read: (words) => ({ worker: takeWorker(words) }) },
  'cgroup create': { usage: 'PATH', read: (words) => ({ path: takeNew(words, 'cgroup') }) },
  'cgroup rm': { usage: 'PATH', read: (words) => ({ path: takeCgroup(words) }) },
  'cgroup move': {
    usage: 'WORKER PATH',
    read: (words) => ({ worker: takeWorker(words), path: takeCgroup(words) }),
  },
  'cgroup limit': {
    usage: 'PATH FILE VALUE',
    read: (words) => {
      const path = takeCgroup(words);
      const file = takeFileName(words, 'FILE', 'file name');
      return { path, file, value: takeLimit(words, file) };
    },
  },
  migratepages: {
    usage: 'WORKER FROM TO',
    read: (words) => ({
      worker: takeWorker(words),
      from: takeNodes(words, 'FROM'),
      to: takeNodes(words, 'TO'),
    }),
  },
  compact: { usage: '', read: () => ({}) },
  dropcaches: { usage: '[1|2|3]', read: (words) => ({ what: takeOptional(words, 'WHAT', 3, 1) }) },
  write: {
    usage: 'PATH VALUE',
    read: (words) => ({ path: takeText(words, 'PATH'), value: takeRestText(words, 'VALUE') }),
  },
  save: {
    usage: 'NAME PATH',
    read: (words) => ({ name: takeFileName(words, 'NAME', 'file name'), path: takeText(words, 'PATH') }),
  },
  exec: {
    usage: 'NAME PROGRAM [ARGUMENTS]',
    read: (words) => ({
      name: takeFileName(words, 'NAME', 'file name'),
      argv: words.takeRest('PROGRAM').map(({ text }) => text),
    }),
  },
  mount: {
    usage: 'TYPE PATH [OPTIONS]',
    read: (words) => ({
      type: takeText(words, 'TYPE'),
      path: takeText(words, 'PATH'),
      options: words.peek() === undefined ? '' : takeText(words, 'OPTIONS'),
    }),
  },
  mkdir: { usage: 'PATH', read: (words) => ({ path: takeText(words, 'PATH') }) },
  offline: { usage: 'BLOCK [TIMEOUT_MS]', read: readBlock },
  online: { usage: 'BLOCK [TIMEOUT_MS]', read: readBlock },
  offline_node: {
    usage: 'NODE TIMEOUT_MS',
    read: (words) => ({ node: takeNode(words, 'NODE'), timeoutMs: takeNumber(words, 'TIMEOUT_MS') }),
  },
  dmesg: { usage: 'NAME', read: (words) => ({ name: takeFileName(words, 'NAME', 'file name') }) },
  sleep: { usage: 'MS', read: (words) => ({ ms: takeNumber(words, 'MS') }) },
  settle: { usage: 'MS', read: (words) => ({ ms: takeNumber(words, 'MS') }) },
  note: {
    usage: '[TEXT]',
    read: (words) => ({ text: words.peek() === undefined ? '' : takeRestText(words, 'TEXT') }),
  },
};

function readBlock(words: StepWords): { block: number; timeoutMs: number } {
  return {
    block: takeNumber(words, 'BLOCK'),
    timeoutMs: takeOptional(words, 'TIMEOUT_MS', BLOCK_TIMEOUT_MS, 0),
  };
}

function takeOptional(words: StepWords, what: string, fallback: number, min: number): number {
  return words.peek() === undefined ? fallback : takeNumber(words, what, min);
}

function takeText(words: StepWords, what: string): string {
  return words.take(what)?.text ?? '';
}

function takeRestText(words: StepWords, what: string): string {
  return words.textOf(words.takeRest(what));
}

/** The value of a cgroup file: sizes of the memory controller are checked, everything else is text. */
function takeLimit(words: StepWords, file: string): string {
  const word = words.take('VALUE');
  if (!word) return '';
  if (file.startsWith('memory.') && !words.mayFail && !isMemoryLimit(word)) {
    words.complain(word, 'step', `"${word.text}" is no limit of memory: a size, as in 512M, or max`);
  }
  return word.text;
}

const isMemoryLimit = ({ text }: Word): boolean => text === 'max' || parseSize(text) !== undefined;
