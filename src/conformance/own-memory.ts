import { fieldKb, SMAPS_FIELDS } from '../procfs/smaps-fields.ts';
import type { SmapsVma } from '../procfs/smaps.ts';
import { point, type Interval } from './interval.ts';

/** kB that the own mappings of a worker add to a total of its status; all exact. */
export type OwnStatus = Readonly<Record<OwnStatusName, number>>;

/** Lines of status that are sums over mappings. */
export const OWN_STATUS_NAMES = [
  'VmSize',
  'VmLck',
  'VmRSS',
  'RssAnon',
  'RssFile',
  'RssShmem',
  'VmData',
  'VmStk',
  'VmExe',
  'VmLib',
  'VmSwap',
  'HugetlbPages',
] as const;
export type OwnStatusName = (typeof OWN_STATUS_NAMES)[number];

const KB = 1024;
const sizeKb = (vma: SmapsVma): number => (vma.end - vma.start) / KB;
const isProgramText = (vma: SmapsVma): boolean => vma.perms[2] === 'x' && vma.name.startsWith('/');
const isData = (vma: SmapsVma): boolean =>
  vma.perms[1] === 'w' && vma.perms[3] === 'p' && vma.name !== '[stack]';

/**
 * Whether the file pages of an own mapping count as shmem. The program of a capture comes from an initramfs, whose files are
 * tmpfs files: their pages are dirty for ever, while pages of a program on a disk are clean.
 */
function isShmem({ name, smaps }: SmapsVma): boolean {
  return name.startsWith('/') && smaps.sharedDirty + smaps.privateDirty === smaps.rss;
}

/** What the own mappings add to the lines of status. */
export function ownStatus(vmas: readonly SmapsVma[]): OwnStatus {
  const sum = (value: (vma: SmapsVma) => number): number =>
    vmas.reduce((total, vma) => total + value(vma), 0);
  const filePages = (vma: SmapsVma): number => (vma.smaps.rss - vma.smaps.anonymous) / KB;
  return {
    VmSize: sum(sizeKb),
    VmLck: sum((vma) => (vma.vmFlags.includes('lo') ? sizeKb(vma) : 0)),
    VmRSS: sum(({ smaps }) => smaps.rss / KB),
    RssAnon: sum(({ smaps }) => smaps.anonymous / KB),
    RssFile: sum((vma) => (isShmem(vma) ? 0 : filePages(vma))),
    RssShmem: sum((vma) => (isShmem(vma) ? filePages(vma) : 0)),
    VmData: sum((vma) => (isData(vma) ? sizeKb(vma) : 0)),
    VmStk: sum((vma) => (vma.name === '[stack]' ? sizeKb(vma) : 0)),
    VmExe: sum((vma) => (isProgramText(vma) ? sizeKb(vma) : 0)),
    VmLib: sum((vma) => (vma.perms[2] === 'x' && !isProgramText(vma) ? sizeKb(vma) : 0)),
    VmSwap: sum(({ smaps }) => smaps.swap / KB),
    HugetlbPages: sum(({ smaps }) => (smaps.sharedHugetlb + smaps.privateHugetlb) / KB),
  };
}

/** kB that the own mappings add to a field of smaps_rollup. Shares are known up to the fractions that smaps cuts off. */
export function ownRollup(vmas: readonly SmapsVma[], label: string): Interval {
  const kind = /^Pss_(Anon|File|Shmem)$/.exec(label)?.[1];
  const field = SMAPS_FIELDS.find((one) => one.label === (kind === undefined ? label : 'Pss'))!;
  const isShare = field.perKb !== KB;
  return vmas.reduce((total, vma) => {
    const kb = fieldKb(field, vma.smaps);
    const [low, high] = kind === undefined ? [kb, kb] : kindShare(vma, kind, kb);
    const fraction = isShare && high > 0 ? 1 : 0;
    return { low: total.low + low, high: total.high + high + fraction };
  }, point(0));
}

/** A mapping that holds pages of both kinds does not say how its share divides. */
function kindShare(vma: SmapsVma, kind: string, kb: number): [low: number, high: number] {
  const { rss, anonymous } = vma.smaps;
  if (rss === 0) return [0, 0];
  const fileKind = isShmem(vma) ? 'Shmem' : 'File';
  if (kind !== 'Anon' && kind !== fileKind) return [0, 0];
  if (anonymous === 0) return kind === 'Anon' ? [0, 0] : [kb, kb];
  if (anonymous === rss) return kind === 'Anon' ? [kb, kb] : [0, 0];
  return [0, kb];
}

/** kB of own mappings that count as committed memory. */
export function ownCommittedKb(vmas: readonly SmapsVma[]): number {
  return vmas.reduce((sum, vma) => (vma.vmFlags.includes('ac') ? sum + sizeKb(vma) : sum), 0);
}
