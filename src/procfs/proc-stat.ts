import { rssPages } from './statm.ts';
import type { ProcessFacts } from './facts.ts';
import { matchLine, ProcTextError, readNumber, splitLines } from './proc-text.ts';
import { PAGE_SIZE } from '../units/pages.ts';

/** /proc/PID/stat: the first three fields, and the texts of the rest (some are larger than a double holds). */
export interface ProcStat {
  pid: number;
  comm: string;
  state: string;
  /** Fields 4 (ppid) to 52 (exit_code). */
  rest: string[];
}

const FIELDS = 52;
/** PF_RANDOMIZE. */
const TASK_FLAGS = 0x400000;
/** RLIM_INFINITY. */
const NO_LIMIT = '18446744073709551615';
const SIGCHLD = 17;

/**
 * stat of a process that sleeps and has used no CPU time. Code addresses are 1 and all other addresses 0, which is what
 * a reader without ptrace rights is shown.
 */
export function procStatOf(process: ProcessFacts): ProcStat {
  const values = Array.from({ length: FIELDS + 1 }, () => '0');
  const set = (field: number, value: number | string): void => {
    values[field] = String(value);
  };
  set(4, process.ppid);
  set(8, -1);
  set(9, TASK_FLAGS);
  set(18, 20);
  set(20, process.threads);
  set(23, process.vmSizePages * PAGE_SIZE);
  set(24, rssPages(process));
  set(25, NO_LIMIT);
  set(26, 1);
  set(27, 1);
  set(38, SIGCHLD);
  return { pid: process.pid, comm: process.comm, state: 'S', rest: values.slice(4) };
}

/** Prints /proc/PID/stat. */
export function renderProcStat(stat: ProcStat): string {
  return `${stat.pid} (${stat.comm}) ${stat.state} ${stat.rest.join(' ')}\n`;
}

/** Reads /proc/PID/stat; the command name may hold blanks and brackets. */
export function parseProcStat(text: string): ProcStat {
  const line = splitLines('stat', text)[0];
  if (!line) throw new ProcTextError('stat', 0, '', 'the file is empty');
  const [, pid, comm, state, rest] = matchLine(line, /^(\d+) \((.*)\) ([A-Z])((?: -?\d+){49})$/, '52 fields');
  return { pid: readNumber(line, pid), comm: comm!, state: state!, rest: rest!.slice(1).split(' ') };
}
