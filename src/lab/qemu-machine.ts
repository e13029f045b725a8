import { totalmem } from 'node:os';
import type { Machine, Scenario } from '../scenario/types.ts';
import { formatList } from '../units/nodelist.ts';
import { formatSize } from '../units/pages.ts';

const MIB = 2 ** 20;
/** RAM below 4 GiB where a machine does not say: room for devices, and most of a small node stays in one zone. */
const BELOW_FOUR_GIB = 512 * MIB;

/** Why the lab cannot boot what a scenario describes; empty when it can. */
export function unbootable({ machine, processes }: Pick<Scenario, 'machine' | 'processes'>): string[] {
  const { nodes } = machine;
  const problems: string[] = [];
  const cpus = nodes.flatMap((node) => node.cpus).sort((a, b) => a - b);
  const total = nodes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  if (cpus.length === 0 || cpus.some((cpu, at) => cpu !== at)) {
    problems.push(`CPUs ${formatList(cpus) || '(none)'}: QEMU numbers them from 0 without gaps`);
  }
  if (total > totalmem()) {
    problems.push(`${formatSize(total)} of memory: this computer has ${Math.floor(totalmem() / MIB)} MiB`);
  }
  nodes.forEach(({ memoryBytes, movableBytes, background }, nid) => {
    const { pageCache, anon, slab } = background;
    if (memoryBytes % MIB !== 0) problems.push(`node ${nid}: memory must be whole MiB`);
    if (movableBytes > 0) problems.push(`node ${nid}: movable memory can not be given node by node`);
    if (pageCache + anon + slab > 0)
      problems.push(`node ${nid}: a booted kernel has a background of its own`);
  });
  if (Object.keys(processes).length > 0) {
    problems.push('processes: every worker of the lab is the same small program; use spawn and cgroup steps');
  }
  return problems;
}

/** QEMU's arguments for a machine. CPUs are emulated, so that any computer can run nested guests. */
export function machineArguments({ nodes, distances, belowFourGib }: Machine): string[] {
  const cpus = nodes.reduce((sum, node) => sum + node.cpus.length, 0);
  const mib = (bytes: number): string => `${bytes / MIB}M`;
  const total = nodes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  return [
    '-accel',
    'tcg,thread=multi',
    '-cpu',
    'EPYC',
    '-machine',
    `q35,max-ram-below-4g=${belowFourGib ?? BELOW_FOUR_GIB}`,
    '-smp',
    `${cpus},sockets=${cpus},cores=1,threads=1`,
    '-m',
    mib(total),
    ...nodes.flatMap(({ memoryBytes, cpus: own }, nid) => [
      ...(memoryBytes > 0 ? ['-object', `memory-backend-ram,id=m${nid},size=${mib(memoryBytes)}`] : []),
      '-numa',
      [
        `node,nodeid=${nid}`,
        ...own.map((cpu) => `cpus=${cpu}`),
        ...(memoryBytes > 0 ? [`memdev=m${nid}`] : []),
      ].join(','),
    ]),
    ...nodes.flatMap((_, from) =>
      nodes.flatMap((__, to) =>
        from < to ? ['-numa', `dist,src=${from},dst=${to},val=${distances[from]![to]}`] : [],
      ),
    ),
    '-nodefaults',
    '-display',
    'none',
    '-monitor',
    'none',
    '-no-reboot',
  ];
}
