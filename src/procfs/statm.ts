import type { ProcessFacts } from './facts.ts';
import { matchLine, ProcTextError, readNumber, splitLines } from './proc-text.ts';

/** /proc/PID/statm in pages. The library and dirty columns are always zero since Linux 2.6. */
export interface Statm {
  size: number;
  resident: number;
  shared: number;
  text: number;
  data: number;
}

/** VmRSS: what all counters add up to (include/linux/mm.h:get_mm_rss). */
export const rssPages = (
  process: Pick<ProcessFacts, 'rssAnonPages' | 'rssFilePages' | 'rssShmemPages' | 'rssGmemPages'>,
): number =>
  process.rssAnonPages + process.rssFilePages + process.rssShmemPages + (process.rssGmemPages ?? 0);

/** statm of a process: top reads VIRT, RES and SHR from it. */
export function statmOf(process: ProcessFacts): Statm {
  const shared = process.rssFilePages + process.rssShmemPages;
  return {
    size: process.vmSizePages,
    resident: rssPages(process),
    shared,
    text: process.vmExePages,
    data: process.vmDataPages + process.vmStkPages,
  };
}

/** Prints /proc/PID/statm. */
export function renderStatm(statm: Statm): string {
  return `${statm.size} ${statm.resident} ${statm.shared} ${statm.text} 0 ${statm.data} 0\n`;
}

/** Reads /proc/PID/statm. */
export function parseStatm(text: string): Statm {
  const line = splitLines('statm', text)[0];
  if (!line) throw new ProcTextError('statm', 0, '', 'the file is empty');
  const [, size, resident, shared, code, data] = matchLine(
    line,
    /^(\d+) (\d+) (\d+) (\d+) 0 (\d+) 0$/,
    'seven page counts',
  );
  return {
    size: readNumber(line, size),
    resident: readNumber(line, resident),
    shared: readNumber(line, shared),
    text: readNumber(line, code),
    data: readNumber(line, data),
  };
}
