import { takeChoice, takeCpu, takeKeyedNumber, takeNumber, takeSize } from './arguments.ts';
import { takeNew, takeWorker } from './name-arguments.ts';
import { takePolicy } from './policy-arguments.ts';
import type { StepRules } from './step-rule.ts';

/** MMF_DUMP_FILTER_DEFAULT: anonymous memory, headers of files, private huge pages. */
const DEFAULT_FILTER = 0x33;

/** Steps about the worker itself: policy, CPU, limits, fork, exit. */
export const TASK_RULES: StepRules<
  | 'noop'
  | 'numa_balance'
  | 'khugepaged'
  | 'exit'
  | 'mempolicy'
  | 'affinity'
  | 'rlimit'
  | 'dropcap'
  | 'oomadj'
  | 'fork'
  | 'execve'
  | 'cat'
  | 'coredump'
  | 'reap'
> = {
  noop: { usage: '', read: () => ({}) },
  numa_balance: { usage: '', read: () => ({}) },
  khugepaged: { usage: '', read: () => ({}) },
  exit: { usage: '', read: () => ({}) },
  mempolicy: { usage: 'MODE[=FLAG] [NODES]', read: takePolicy },
  affinity: { usage: 'CPU', read: (words) => ({ cpu: takeCpu(words) }) },
  rlimit: {
    usage: 'memlock|as|rss|data|fsize SIZE',
    read: (words) => ({
      resource: takeChoice(words, 'resource', ['memlock', 'as', 'rss', 'data', 'fsize']),
      bytes: takeSize(words, 'SIZE'),
    }),
  },
  dropcap: { usage: '', read: () => ({}) },
  oomadj: { usage: 'VALUE', read: (words) => ({ value: takeNumber(words, 'VALUE', -Infinity) }) },
  fork: { usage: 'WORKER', read: (words) => ({ worker: takeNew(words, 'worker') }) },
  cat: {
    usage: 'WORKER FILE',
    read: (words) => ({ worker: takeWorker(words), file: words.take('FILE')?.text ?? '' }),
  },
  coredump: {
    usage: '[filter=N]',
    read: (words) => ({ filter: takeKeyedNumber(words, 'filter', DEFAULT_FILTER) }),
  },
  execve: { usage: 'COMM', read: (words) => ({ comm: words.take('COMM')?.text ?? '' }) },
  reap: { usage: '', read: () => ({}) },
};
