import type { KernelVersion } from '../procfs/facts.ts';
import { LAYOUTS } from '../procfs/layouts.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import { CaptureError, type Capture } from './capture.ts';

/** Kernel profiles that captures can be judged against. */
export const PROFILE_NAMES: readonly KernelVersion[] = Object.keys(LAYOUTS) as KernelVersion[];

/** Reads meta.txt: `key: value` lines. `file` is the name errors use. */
export function parseMeta(file: string, text: string): Map<string, string> {
  const meta = new Map<string, string>();
  text.split('\n').forEach((line, at) => {
    if (line === '') return;
    const match = /^([^:\s]+): ?(.*)$/.exec(line);
    if (!match) throw new CaptureError(file, `line ${at + 1}`, `expected "key: value": ${line}`);
    meta.set(match[1]!, match[2]!);
  });
  return meta;
}

/** The kernel release of a uname line, e.g. `6.12.107+deb12-amd64`. */
export function releaseOf(file: string, meta: ReadonlyMap<string, string>): string {
  const uname = meta.get('uname');
  const match = /^Linux \S+ (\d+\.\d+\S*)/.exec(uname ?? '');
  if (!match)
    throw new CaptureError(file, 'uname', `expected "uname: Linux HOST RELEASE …", not "${uname ?? ''}"`);
  return match[1]!;
}

/** The profile that speaks for a kernel release: the one of the same major and minor number. */
export function profileOf(release: string): KernelVersion | null {
  const version = /^\d+\.\d+/.exec(release)?.[0];
  return PROFILE_NAMES.find((name) => name === version) ?? null;
}

/** Lines of meta.txt that say something of the kernel under test, and nothing of the machine that it ran on. */
const KEPT = [
  'scenario',
  'page_size',
  'topology',
  'uname',
  'thp_enabled',
  'thp_shmem_enabled',
  'thp_defrag',
  'numa_balancing',
  'zone_reclaim_mode',
  'compact_unevictable_allowed',
  'lru_gen_enabled',
  'overcommit_memory',
  'memory_block_size',
];

/** Prints meta.txt without host details and times. */
export function renderKeptMeta(meta: ReadonlyMap<string, string>): string {
  return KEPT.filter((key) => meta.has(key))
    .map((key) => `${key}: ${meta.get(key)}\n`)
    .join('');
}

/** Size of x86's memory blocks on machines of less than 64 GiB, which a capture without the line is taken to have. */
const BLOCK_BYTES = 128 * 1024 * 1024;

/** Pages of a memory block, the unit in which memory goes offline. */
export function memoryBlockPages({ meta }: Pick<Capture, 'meta'>): number {
  const text = meta.get('memory_block_size');
  return (text ? Number.parseInt(text, 16) : BLOCK_BYTES) / PAGE_SIZE;
}

/** The choice in brackets, as sysfs prints it: `[always] madvise never`. */
export function chosen(text: string | undefined): string | null {
  return /\[([\w+]+)\]/.exec(text ?? '')?.[1] ?? null;
}
