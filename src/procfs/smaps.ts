import { emptySmaps, type SmapsFacts, type VmaFacts } from './facts.ts';
import { isMapsLine, parseMapsLine, renderMapsLine, type MapsVma } from './maps.ts';
import { badLine, matchLine, readNumber, splitLines, type ProcLine } from './proc-text.ts';
import { fieldKb, parseKbLine, renderKbLine, SMAPS_FIELDS } from './smaps-fields.ts';

/** What an entry of smaps says of a VMA. */
export type SmapsVma = MapsVma &
  Pick<VmaFacts, 'kernelPageKb' | 'mmuPageKb' | 'thpEligible' | 'protectionKey' | 'vmFlags' | 'smaps'>;

function renderEntry(vma: SmapsVma): string {
  const lines = [
    renderMapsLine(vma),
    renderKbLine('Size', (vma.end - vma.start) / 1024),
    renderKbLine('KernelPageSize', vma.kernelPageKb),
    renderKbLine('MMUPageSize', vma.mmuPageKb),
  ];
  for (const field of SMAPS_FIELDS) {
    if (!field.rollupOnly) lines.push(renderKbLine(field.label, fieldKb(field, vma.smaps)));
  }
  lines.push(`THPeligible:    ${String(vma.thpEligible).padStart(8)}`);
  if (vma.protectionKey !== undefined) lines.push(`ProtectionKey:  ${String(vma.protectionKey).padStart(8)}`);
  lines.push(`VmFlags: ${vma.vmFlags.map((code) => `${code} `).join('')}`);
  return lines.map((line) => `${line}\n`).join('');
}

/** Prints /proc/PID/smaps. */
export function renderSmaps(vmas: readonly SmapsVma[]): string {
  return vmas.map(renderEntry).join('');
}

function parseEntry(lines: readonly ProcLine[]): SmapsVma {
  const header = lines[0]!;
  const vma = parseMapsLine(header);
  let at = 1;
  const takeKb = (label: string): number => parseKbLine(lines[at++], label, header);
  const sizeLine = lines[at] ?? header;
  if (takeKb('Size') * 1024 !== vma.end - vma.start) throw badLine(sizeLine, 'size is not end - start');
  const kernelPageKb = takeKb('KernelPageSize');
  const mmuPageKb = takeKb('MMUPageSize');
  const smaps = emptySmaps();
  for (const field of SMAPS_FIELDS) {
    if (!field.rollupOnly) smaps[field.key] = takeKb(field.label) * field.perKb;
  }
  const take = (pattern: RegExp, expected: string): string => {
    const line = lines[at++];
    if (!line) throw badLine(header, `the entry ends before ${expected}`);
    return matchLine(line, pattern, expected)[1]!;
  };
  const thpEligible = readNumber(header, take(/^THPeligible: +(\d+)$/, 'THPeligible'));
  const hasKey = lines[at]?.text.startsWith('ProtectionKey:') ?? false;
  const protectionKey = hasKey
    ? { protectionKey: readNumber(header, take(/^ProtectionKey: +(\d+)$/, 'ProtectionKey')) }
    : {};
  const flags = take(/^VmFlags: ((?:\w\w )*)$/, 'VmFlags');
  const extra = lines[at];
  if (extra) throw badLine(extra, 'unknown field after VmFlags');
  return {
    ...vma,
    kernelPageKb,
    mmuPageKb,
    thpEligible,
    ...protectionKey,
    vmFlags: flags.split(' ').filter((code) => code !== ''),
    smaps,
  };
}

/** Reads /proc/PID/smaps. The shares by kind (pssAnon, pssFile, pssShmem) are only in smaps_rollup and stay zero. */
export function parseSmaps(text: string): SmapsVma[] {
  const entries: ProcLine[][] = [];
  for (const line of splitLines('smaps', text)) {
    if (isMapsLine(line.text)) entries.push([line]);
    else if (entries.length === 0) throw badLine(line, 'expected a mapping');
    else entries.at(-1)!.push(line);
  }
  return entries.map(parseEntry);
}

/** What smaps_rollup says: the range from the first VMA to the end of the last, and the sums. */
export interface SmapsRollup {
  start: number;
  end: number;
  smaps: SmapsFacts;
}

/** Sums the VMAs of a process as smaps_rollup does; a process without memory has none. [vsyscall] is not the process's own. */
export function rollUp(
  vmas: readonly Pick<VmaFacts, 'start' | 'end' | 'name' | 'smaps'>[],
): SmapsRollup | null {
  const own = vmas.filter((vma) => vma.name !== '[vsyscall]');
  const first = own[0];
  if (!first) return null;
  const smaps = emptySmaps();
  for (const vma of own) {
    for (const field of SMAPS_FIELDS) smaps[field.key] += vma.smaps[field.key];
  }
  return { start: first.start, end: own.at(-1)!.end, smaps };
}

/** Prints /proc/PID/smaps_rollup; empty for a process without memory. */
export function renderSmapsRollup(rollup: SmapsRollup | null): string {
  if (!rollup) return '';
  const header = renderMapsLine({
    start: rollup.start,
    end: rollup.end,
    perms: '---p',
    offset: 0,
    dev: '00:00',
    inode: 0,
    name: '[rollup]',
  });
  const lines = SMAPS_FIELDS.map((field) => renderKbLine(field.label, fieldKb(field, rollup.smaps)));
  return [header, ...lines].map((line) => `${line}\n`).join('');
}

/** Reads /proc/PID/smaps_rollup. */
export function parseSmapsRollup(text: string): SmapsRollup | null {
  const lines = splitLines('smaps_rollup', text);
  const header = lines[0];
  if (!header) return null;
  const { start, end, name } = parseMapsLine(header);
  if (name !== '[rollup]') throw badLine(header, 'expected [rollup]');
  const smaps = emptySmaps();
  SMAPS_FIELDS.forEach((field, index) => {
    smaps[field.key] = parseKbLine(lines[index + 1], field.label, header) * field.perKb;
  });
  const extra = lines[SMAPS_FIELDS.length + 1];
  if (extra) throw badLine(extra, 'unknown field');
  return { start, end, smaps };
}
