import type { ProcessFacts } from './facts.ts';
import { statmOf } from './statm.ts';
import { matchLine, splitLines, badLine } from './proc-text.ts';
import { pagesToKb } from '../units/pages.ts';

/** One task line of top, as texts; VIRT, RES and SHR already scaled. */
export interface TopTask {
  pid: number;
  user: string;
  priority: string;
  nice: string;
  virt: string;
  res: string;
  shr: string;
  state: string;
  cpuPercent: string;
  memPercent: string;
  time: string;
  command: string;
}

const HEADER = '    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND';
const SUFFIXES: readonly string[] = ['m', 'g', 't', 'p'];

/** top's memory column: kB as long as they fit the width, then the first of m, g, t, p with one decimal that does. */
export function scaleKb(kb: number, width: number): string {
  let text = String(kb);
  let value = kb;
  for (const suffix of SUFFIXES) {
    if (text.length <= width) break;
    value /= 1024;
    text = `${value.toFixed(1)}${suffix}`;
  }
  return text;
}

/** The line of a process that sleeps and has used no CPU time; `totalPages` is the machine's memory. */
export function topTaskOf(process: ProcessFacts, totalPages: number): TopTask {
  const { size, resident, shared } = statmOf(process);
  return {
    pid: process.pid,
    user: process.uid === 0 ? 'root' : String(process.uid),
    priority: '20',
    nice: '0',
    virt: scaleKb(pagesToKb(size), 7),
    res: scaleKb(pagesToKb(resident), 6),
    shr: scaleKb(pagesToKb(shared), 6),
    state: 'S',
    cpuPercent: '0.0',
    memPercent: (totalPages === 0 ? 0 : (100 * resident) / totalPages).toFixed(1),
    time: '0:00.00',
    command: process.comm,
  };
}

/** Prints the task area of top: the column headers and a line per task. */
export function renderTop(tasks: readonly TopTask[]): string {
  const lines = tasks.map((task) =>
    [
      String(task.pid).padStart(7),
      task.user.padEnd(8),
      task.priority.padStart(3),
      task.nice.padStart(3),
      task.virt.padStart(7),
      task.res.padStart(6),
      task.shr.padStart(6),
      task.state,
      task.cpuPercent.padStart(5),
      task.memPercent.padStart(5),
      task.time.padStart(9),
      task.command,
    ].join(' '),
  );
  return [HEADER, ...lines].map((line) => `${line}\n`).join('');
}

/** Reads the task area of top. */
export function parseTop(text: string): TopTask[] {
  const [header, ...lines] = splitLines('top', text);
  if (header && header.text !== HEADER) throw badLine(header, "expected top's column headers");
  return lines.map((line) => {
    const [, pid, user, priority, nice, virt, res, shr, state, cpuPercent, memPercent, time, command] =
      matchLine(
        line,
        /^ *(\d+) (\S+) +(\S+) +(-?\d+) +(\S+) +(\S+) +(\S+) ([A-Z]) +(\S+) +(\S+) +(\S+) (.*)$/,
        "top's twelve columns",
      );
    return {
      pid: Number(pid),
      user: user!,
      priority: priority!,
      nice: nice!,
      virt: virt!,
      res: res!,
      shr: shr!,
      state: state!,
      cpuPercent: cpuPercent!,
      memPercent: memPercent!,
      time: time!,
      command: command!,
    };
  });
}
