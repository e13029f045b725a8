import type { NumaEvents } from './facts.ts';
import { parseKeyValues } from './key-values.ts';
import { ProcTextError } from './proc-text.ts';

const NAMES: readonly (keyof NumaEvents)[] = [
  'numa_hit',
  'numa_miss',
  'numa_foreign',
  'interleave_hit',
  'local_node',
  'other_node',
];

/** Prints nodeN/numastat: pages. */
export function renderNodeNumastat(events: NumaEvents): string {
  return NAMES.map((name) => `${name} ${events[name]}\n`).join('');
}

/** Reads nodeN/numastat. */
export function parseNodeNumastat(text: string): NumaEvents {
  const values = parseKeyValues('numastat', text);
  const found = [...values.keys()].join(' ');
  if (found !== NAMES.join(' '))
    throw new ProcTextError('numastat', 0, '', `expected ${NAMES.join(' ')}, not "${found}"`);
  const take = (name: keyof NumaEvents): number => values.get(name)!;
  return {
    numa_hit: take('numa_hit'),
    numa_miss: take('numa_miss'),
    numa_foreign: take('numa_foreign'),
    interleave_hit: take('interleave_hit'),
    local_node: take('local_node'),
    other_node: take('other_node'),
  };
}
