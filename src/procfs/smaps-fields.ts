import type { SmapsFacts } from './facts.ts';
import { badLine, matchLine, readNumber, type ProcLine } from './proc-text.ts';

/** Proportional shares carry 12 more bits than bytes, and smaps prints kB. */
const PSS_PER_KB: number = 2 ** 22;
const BYTES_PER_KB = 1024;

/** How a printed field relates to the facts: its label, its key, and the facts' units in one kB. */
interface SmapsField {
  label: string;
  key: keyof SmapsFacts;
  perKb: number;
  /** Only smaps_rollup prints it. */
  rollupOnly: boolean;
}

const bytes = (label: string, key: keyof SmapsFacts): SmapsField => ({
  label,
  key,
  perKb: BYTES_PER_KB,
  rollupOnly: false,
});
const share = (label: string, key: keyof SmapsFacts, rollupOnly = false): SmapsField => ({
  label,
  key,
  perKb: PSS_PER_KB,
  rollupOnly,
});

/** The sums of smaps and smaps_rollup in the kernel's order. */
export const SMAPS_FIELDS: readonly SmapsField[] = [
  bytes('Rss', 'rss'),
  share('Pss', 'pss'),
  share('Pss_Dirty', 'pssDirty'),
  share('Pss_Anon', 'pssAnon', true),
  share('Pss_File', 'pssFile', true),
  share('Pss_Shmem', 'pssShmem', true),
  bytes('Shared_Clean', 'sharedClean'),
  bytes('Shared_Dirty', 'sharedDirty'),
  bytes('Private_Clean', 'privateClean'),
  bytes('Private_Dirty', 'privateDirty'),
  bytes('Referenced', 'referenced'),
  bytes('Anonymous', 'anonymous'),
  bytes('KSM', 'ksm'),
  bytes('LazyFree', 'lazyFree'),
  bytes('AnonHugePages', 'anonHuge'),
  bytes('ShmemPmdMapped', 'shmemPmd'),
  bytes('FilePmdMapped', 'filePmd'),
  bytes('Shared_Hugetlb', 'sharedHugetlb'),
  bytes('Private_Hugetlb', 'privateHugetlb'),
  bytes('Swap', 'swap'),
  share('SwapPss', 'swapPss'),
  bytes('Locked', 'locked'),
];

/** One `Label:   value kB` line without newline. Private_Hugetlb's label takes a column of the value's, as in Linux. */
export function renderKbLine(label: string, kb: number): string {
  const head = `${label}: `.padEnd(16);
  return `${head}${String(kb).padStart(24 - head.length)} kB`;
}

/** Reads a `Label:   value kB` line that must have the given label. */
export function parseKbLine(line: ProcLine | undefined, label: string, before: ProcLine): number {
  if (!line) throw badLine(before, `the entry ends before "${label}"`);
  const [, found, digits] = matchLine(line, /^(\w+): +(\d+) kB$/, `"${label}: N kB"`);
  if (found !== label) throw badLine(line, `expected "${label}"`);
  return readNumber(line, digits);
}

/** The kB a field prints: shares and bytes are cut off, not rounded. */
export function fieldKb(field: SmapsField, facts: SmapsFacts): number {
  return Math.floor(facts[field.key] / field.perKb);
}
