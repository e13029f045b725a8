import { PROCESS_INTERFACES } from '../analysis/process-interfaces.ts';
import type { ProcessFacts } from '../procfs/facts.ts';
import type { ExpectationUnit } from '../result/types.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import { ofInterface } from './interface-reading.ts';
import type { ReadingKind } from './reading.ts';

interface Field {
  unit: ExpectationUnit;
  read(process: ProcessFacts): number;
}

const pages = (read: (process: ProcessFacts) => number): Field => ({
  unit: 'bytes',
  read: (process) => read(process) * PAGE_SIZE,
});

/** What files of /proc/PID say beside the interfaces that the comparison has. */
const FIELDS: Readonly<Record<string, Field>> = {
  RssAnon: pages((process) => process.rssAnonPages),
  RssFile: pages((process) => process.rssFilePages),
  RssShmem: pages((process) => process.rssShmemPages),
  VmLck: pages((process) => process.vmLckPages),
  VmSwap: pages((process) => process.vmSwapPages),
  VmHWM: pages((process) => process.vmHwmPages),
  VmPTE: { unit: 'bytes', read: (process) => process.vmPteBytes },
  HugetlbPages: { unit: 'bytes', read: (process) => process.hugetlbKb * 1024 },
  oom_score: { unit: 'count', read: (process) => process.oomScore },
  vmas: { unit: 'count', read: (process) => process.vmas.length },
};

const NAMES: readonly string[] = [...PROCESS_INTERFACES.map(({ id }) => id), ...Object.keys(FIELDS)];

/** `process WORKER FIELD [node N]`: a field of /proc/PID. */
export const PROCESS_READING: ReadingKind = {
  usage: `process WORKER FIELD [node N], FIELD one of ${NAMES.join(', ')}`,
  of: 'moment',
  parse(words) {
    const worker = words.take('the worker', words.names.workers);
    const name = words.take('the field', NAMES);
    const field = FIELDS[name];
    if (!field)
      return ofInterface(
        PROCESS_INTERFACES.find(({ id }) => id === name)!,
        worker,
        words,
      );
    return {
      unit: field.unit,
      read: ({ snapshot }) => {
        const process = snapshot?.facts.processes.find((one) => one.worker === worker);
        return process ? field.read(process) : null;
      },
    };
  },
};
