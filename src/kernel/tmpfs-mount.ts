import { parseList } from '../units/nodelist.ts';
import { PAGE_SIZE, parseSize } from '../units/pages.ts';
import type { Inode } from './inode.ts';
import { makePolicy, type Policy, type PolicyMode } from './mempolicy.ts';
import { TMPFS_HUGE } from './thp-settings.ts';

/** A tmpfs that somebody mounted (mm/shmem.c:struct shmem_sb_info). */
export interface TmpfsMount {
  huge: (typeof TMPFS_HUGE)[number];
  /** Pages that its files may have together; null: no limit. */
  maxPages: number | null;
  /** What mpol= asks for: each new file gets it, as far as its maker's cpuset allows. */
  policy: WantedPolicy | null;
  files: Inode[];
}

interface WantedPolicy {
  mode: PolicyMode;
  flags: Policy['flags'];
  nodes: readonly number[];
}

const isMember = <T extends string>(words: readonly T[], word: string): word is T =>
  words.includes(word as T);

/** Names of modes in mpol=, and whether they take, need or refuse nodes (mm/mempolicy.c:mpol_parse_str). */
const MODES: Readonly<Record<string, { mode: PolicyMode; nodes: 'all' | 'one' | 'some' | 'none' | 'any' }>> =
  {
    default: { mode: 'default', nodes: 'none' },
    local: { mode: 'local', nodes: 'none' },
    prefer: { mode: 'preferred', nodes: 'one' },
    bind: { mode: 'bind', nodes: 'some' },
    interleave: { mode: 'interleave', nodes: 'all' },
    'weighted interleave': { mode: 'winterleave', nodes: 'all' },
    'prefer (many)': { mode: 'prefmany', nodes: 'some' },
  };

/** Options that say who may do what, which the model's files don't heed. */
const IGNORED: ReadonlySet<string> = new Set(['mode', 'uid', 'gid']);

/** Names of the options that tmpfsOptions reads. */
const READ: ReadonlySet<string> = new Set(['huge', 'size', 'nr_blocks', 'mpol', ...IGNORED]);

/** Commas before a digit belong to a list of nodes (mm/shmem.c:shmem_next_opt). */
const optionsOf = (text: string): [name: string, value: string][] =>
  text
    .split(/,(?!\d)/)
    .filter((option) => option !== '')
    .map((option) => {
      const at = option.indexOf('=');
      return at < 0 ? [option, ''] : [option.slice(0, at), option.slice(at + 1)];
    });

/** Whether options of a tmpfs are among those that the model knows. */
export const knowsTmpfsOptions = (text: string): boolean =>
  optionsOf(text).every(([name, value]) => READ.has(name) && value !== '');

/** mount(2) of a tmpfs (mm/shmem.c:shmem_parse_one): without a size it may have half of the memory. */
export function tmpfsMount(
  text: string,
  totalPages: number,
  memoryNodes: readonly number[],
): TmpfsMount | 'EINVAL' {
  const mount: TmpfsMount = { huge: 'never', maxPages: Math.floor(totalPages / 2), policy: null, files: [] };
  for (const [name, value] of optionsOf(text)) {
    if (name === 'huge') {
      if (!isMember(TMPFS_HUGE, value)) return 'EINVAL';
      mount.huge = value;
    } else if (name === 'size' || name === 'nr_blocks') {
      const pages = pagesOf(name, value, totalPages);
      if (pages === null) return 'EINVAL';
      mount.maxPages = pages === 0 ? null : pages;
    } else if (name === 'mpol') {
      const policy = parsePolicy(value, memoryNodes);
      if (policy === 'EINVAL') return 'EINVAL';
      mount.policy = policy;
    } else if (!IGNORED.has(name)) return 'EINVAL';
  }
  return mount;
}

function pagesOf(name: string, value: string, totalPages: number): number | null {
  const percent = /^(\d+)%$/.exec(value);
  if (percent) return name === 'size' ? Math.ceil((Number(percent[1]) * totalPages) / 100) : null;
  const size = parseSize(value);
  if (size === undefined) return null;
  return name === 'size' ? Math.ceil(size / PAGE_SIZE) : size;
}

function parsePolicy(text: string, memoryNodes: readonly number[]): WantedPolicy | null | 'EINVAL' {
  const match = /^([^=:]+)(?:=([^:]*))?(?::(.*))?$/.exec(text);
  const known = match ? MODES[match[1]!] : undefined;
  if (!match || !known) return 'EINVAL';
  const flag = match[2];
  if (flag !== undefined && flag !== 'static' && flag !== 'relative') return 'EINVAL';
  const given = match[3] === undefined ? null : parseList(match[3]);
  if (match[3] !== undefined && (!given || given.some((nid) => !memoryNodes.includes(nid)))) return 'EINVAL';
  const count = given?.length ?? 0;
  if (known.nodes === 'none' && (count > 0 || flag !== undefined)) return 'EINVAL';
  if (known.nodes === 'one' && count > 1) return 'EINVAL';
  if (known.nodes === 'some' && count === 0) return 'EINVAL';
  if (known.mode === 'default') return null;
  const nodes = known.nodes === 'all' && count === 0 ? memoryNodes : (given ?? []);
  return { mode: known.mode, flags: flag === undefined ? [] : [flag], nodes };
}

/** The root file system of a worker: no limit, and no huge pages. */
export const rootMount = (): TmpfsMount => ({ huge: 'never', maxPages: null, policy: null, files: [] });

/** A new file on its mount, by somebody who may use certain nodes (mm/mempolicy.c:mpol_shared_policy_init). */
export function joinMount(inode: Inode, allowed: readonly number[]): void {
  const { tmpfs } = inode;
  if (!tmpfs) return;
  tmpfs.files.push(inode);
  if (!tmpfs.policy) return;
  const { mode, flags, nodes } = tmpfs.policy;
  const policy = makePolicy(mode, flags, nodes, allowed);
  if (policy !== 'EINVAL') inode.policy.set(0, MAX_PAGES, policy);
}

/** Pages of the largest file. */
const MAX_PAGES: number = 2 ** 51;

/** Pages that a file may still get on its mount (mm/shmem.c:shmem_inode_acct_blocks). */
export function mountRoom({ tmpfs }: Inode): number {
  if (!tmpfs || tmpfs.maxPages === null) return Infinity;
  const used = tmpfs.files.reduce(
    (sum, { cache, swapped, evictedPages }) => sum + cache.size + swapped.size + evictedPages,
    0,
  );
  return Math.max(0, tmpfs.maxPages - used);
}
