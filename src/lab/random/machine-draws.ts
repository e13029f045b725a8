import type { RandomWriter } from './random-writer.ts';

const THP = '/sys/kernel/mm/transparent_hugepage';
const POOL = 'hugepages/hugepages-2048kB/nr_hugepages';
const POOL_FILE = `/sys/kernel/mm/${POOL}`;
/** What a setting of transparent huge pages may be, by its file. */
const SETTINGS = {
  enabled: ['always', 'madvise', 'never'],
  shmem_enabled: ['always', 'within_size', 'advise', 'never', 'deny', 'force'],
  defrag: ['always', 'defer', 'defer+madvise', 'madvise', 'never'],
} as const;
/** The disk that swap is on. */
const DISK = '/dev/vda';
/** Limits below what a worker may touch. */
const LOW_LIMITS = ['4M', '8M', '20M', '48M'] as const;

/** Where the theme of a mount mounts. */
export const MOUNT = '/t';

const MOUNT_HUGE = ['always', 'within_size', 'advise', 'never'] as const;
const MOUNT_POLICIES = ['bind:2', 'interleave:1-3', 'interleave', 'prefer=relative:1', 'local'] as const;

/** Lines before the first snapshot: what the themes of a scenario take. */
export function prepare(writer: RandomWriter): void {
  const { dice, lines, state } = writer;
  const { thp, hugetlb, limits, swap, mount } = state.themes;
  if (swap) {
    lines.push('#swap: 512M', `exec mkswap /bin/mkswap ${DISK}`, `exec swapon /bin/swapon ${DISK}`);
  }
  if (thp) {
    // The model has no khugepaged: it sleeps.
    lines.push(`write ${THP}/khugepaged/scan_sleep_millisecs 10000000`);
    lines.push(`write ${THP}/enabled ${dice.one(['always', 'always', 'madvise'])}`);
    if (dice.oneIn(2)) lines.push(`write ${THP}/shmem_enabled ${dice.one(SETTINGS.shmem_enabled)}`);
    if (dice.oneIn(4)) lines.push(`write ${THP}/defrag ${dice.one(SETTINGS.defrag)}`);
  }
  if (mount) {
    const options = [
      dice.oneIn(2) ? `size=${dice.one(['3M', '16M', '1%'])}` : null,
      thp && dice.oneIn(2) ? `huge=${dice.one(MOUNT_HUGE)}` : null,
      dice.oneIn(2) ? `mpol=${dice.one(MOUNT_POLICIES)}` : null,
    ].filter((option) => option !== null);
    lines.push(`mkdir ${MOUNT}`, `mount tmpfs ${MOUNT} ${options.join(',')}`.trimEnd());
  }
  if (hugetlb) lines.push(`write ${POOL_FILE} ${dice.one([3, 12, 40, 80])}`);
  if (!limits) return;
  lines.push('cgroup create /a', `cgroup limit /a memory.max ${dice.one(LOW_LIMITS)}`);
  state.cgroups.push('/a');
  const worker = writer.worker();
  lines.push(`cgroup move ${worker.name} /a`);
  worker.cgroup = '/a';
}

/** Settings of the whole machine: of huge pages where there are any, weights of weighted interleave (a wrong one among them), dropped caches. */
export function setMachine(writer: RandomWriter): void {
  const { dice, lines, state } = writer;
  const what = dice.one(['weight', 'weight', 'drop', 'thp', 'pool']);
  if (what === 'drop') lines.push('dropcaches');
  else if (what === 'weight') {
    const file = `/sys/kernel/mm/mempolicy/weighted_interleave/node${writer.node()}`;
    lines.push(`write ${file} ${dice.one([1, 2, 3, 5, 300])}`);
  } else if (what === 'thp' && state.themes.thp) {
    const file = dice.one(['enabled', 'shmem_enabled', 'defrag'] as const);
    lines.push(`write ${THP}/${file} ${dice.pick<string>(SETTINGS[file])!}`);
  } else if (what === 'pool' && state.themes.hugetlb) {
    const { file, count } = dice.one([
      { file: POOL_FILE, count: dice.one([0, 5, 20, 64]) },
      { file: `/sys/devices/system/node/node${writer.node()}/${POOL}`, count: dice.below(20) },
      { file: POOL_FILE.replace('nr_', 'nr_overcommit_'), count: dice.below(6) },
    ]);
    lines.push(`write ${file} ${count}`);
  }
}

/** A limit that makes a group give memory back or kill, where a scenario is about that; else one that is near and not met. */
export function limitGroup(writer: RandomWriter): void {
  const { dice, lines, state } = writer;
  const path = dice.pick(state.cgroups.filter((group) => group !== '/'));
  if (path === undefined) return;
  if (!state.themes.limits) {
    lines.push(`cgroup limit ${path} memory.max ${dice.one(['256M', '1G', 'max'])}`);
    return;
  }
  const file = dice.one([
    'memory.max',
    'memory.high',
    'memory.reclaim',
    'memory.swap.max',
    'memory.low',
    'memory.min',
  ]);
  const value = file === 'memory.reclaim' ? dice.one(['1M', '8M']) : dice.one([...LOW_LIMITS, 'max']);
  if (dice.oneIn(6)) lines.push(`cgroup limit ${path} memory.oom.group ${dice.below(2)}`);
  lines.push(`cgroup limit ${path} ${file} ${value}`);
}
