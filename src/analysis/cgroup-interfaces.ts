import type { CgroupFacts } from '../procfs/facts.ts';
import { addNodes, sum } from './node-lists.ts';
import { cgroupPages } from './truth.ts';
import type { InterfaceMeta, KernelInterface, Reported } from './types.ts';

const bytesToKb = (bytes: number): number => Math.floor(bytes / 1024);

/** memory.current; the root has none. */
function current(cgroup: CgroupFacts): Reported | null {
  return cgroup.path === '/' ? null : { totalKb: bytesToKb(cgroup.currentBytes), nodesKb: null };
}

/** The parts of memory.stat that make up memory.current: anon, file and kernel. */
function statTotal({ stat }: CgroupFacts): Reported {
  const parts = ['anon', 'file', 'kernel'].map((name) => stat[name] ?? 0);
  return { totalKb: bytesToKb(sum(parts)), nodesKb: null };
}

/** anon and file of memory.numa_stat: user memory. Kernel memory stands there in other lines. */
function numaStat({ numaStat }: CgroupFacts): Reported {
  const nodesKb = addNodes(['anon', 'file'].map((name) => numaStat[name] ?? [])).map(bytesToKb);
  return { totalKb: sum(nodesKb), nodesKb };
}

function ofCgroup(
  meta: Pick<InterfaceMeta, 'id' | 'title' | 'fieldClass' | 'sources'> & Partial<InterfaceMeta>,
  read: (cgroup: CgroupFacts) => Reported | null,
  counts: { kernel: boolean },
): KernelInterface {
  return {
    scope: 'cgroup',
    perNode: false,
    countsMemory: true,
    ...meta,
    report(facts, path) {
      const cgroup = facts.cgroups.find((one) => one.path === path);
      return cgroup ? read(cgroup) : null;
    },
    truth: (truth, path) => cgroupPages(truth, path, counts),
  };
}

/**
 * What the memory controller says about a cgroup and those below it. The truth beside it is the memory that serves their
 * workers, not what they were charged: a difference is memory that somebody else pays for, or that they pay for others.
 * memory.stat is a statistic; limits look at the page counter, which is memory.current.
 */
export const CGROUP_INTERFACES: readonly KernelInterface[] = [
  ofCgroup(
    {
      id: 'memory.current',
      title: 'memory.current',
      fieldClass: 'accounting',
      sources: ['memory.current/memory.current'],
    },
    current,
    { kernel: true },
  ),
  ofCgroup(
    {
      id: 'memory.stat-total',
      title: 'memory.stat',
      fieldClass: 'stat',
      sources: ['memory.stat/anon', 'memory.stat/file', 'memory.stat/kernel'],
    },
    statTotal,
    { kernel: true },
  ),
  ofCgroup(
    {
      id: 'memory.numa_stat',
      title: 'memory.numa_stat',
      fieldClass: 'stat',
      perNode: true,
      sources: ['memory.numa_stat/anon', 'memory.numa_stat/file'],
    },
    numaStat,
    { kernel: false },
  ),
];
