import type { Inode } from '../kernel/inode.ts';
import { BLOCK_PAGES } from '../kernel/memory-blocks.ts';
import { forEachLane } from '../kernel/page-allocator.ts';
import type { Process } from '../kernel/task.ts';
import type { MoverName } from '../result/types.ts';
import type { Step, StepArgs } from '../scenario/types.ts';
import { parseList } from '../units/nodelist.ts';
import { PAGE_SIZE, pagesFor } from '../units/pages.ts';
import { DEFAULT_WORKER } from './start-worker.ts';
import { isCompactFile } from './steps/compact-files.ts';
import { isMemoryBlockFile } from './steps/memory-block-files.ts';
import { isSoftOfflineFile } from './steps/soft-offline-steps.ts';
import type { World } from './world.ts';

const POOL_FILE = /\/nr_hugepages(_mempolicy)?$/;

/** Who a step has move pages; null for one that asks for no movement. */
export function moverOf(step: Step): MoverName | null {
  switch (step.verb) {
    case 'compact':
      return 'compaction';
    case 'offline':
    case 'offline_node':
      return 'offlining';
    case 'numa_balance':
      return 'NUMA balancing';
    case 'migratepages':
      return 'migratepages';
    case 'exec':
      return migratepagesOf(step.args.argv) ? 'migratepages' : null;
    case 'move_pages':
      return 'move_pages';
    case 'soft_offline':
      return 'soft offline';
    case 'mbind':
    case 'gmem policy':
      return step.args.move ? 'mbind' : null;
    case 'cgroup limit':
      return step.args.file === 'cpuset.mems' ? 'cpuset' : null;
    case 'cgroup move':
      return 'cpuset';
    case 'write':
      if (isCompactFile(step.args.path)) return 'compaction';
      if (isMemoryBlockFile(step.args.path)) return 'offlining';
      if (isSoftOfflineFile(step.args.path)) return 'soft offline';
      return POOL_FILE.test(step.args.path) ? 'huge page pool' : null;
    default:
      return null;
  }
}

/** Counts those of consecutive frames that a mover was asked about. */
type FrameCount = (pfn: number, count: number) => number;

/**
 * Private pages that a step asks its mover to move, wherever this looks for them: those of the process, the block or the range that lie
 * elsewhere than they should. Null where the mover itself picks what it takes. A new cpuset asks what its processes have outside of it, so
 * it is to be asked afterwards.
 */
export function askedPages(world: World, step: Step): number | null {
  const { kernel } = world;
  const on =
    (nodes: readonly number[]): FrameCount =>
    (pfn, count) =>
      nodes.includes(kernel.nidOf(pfn)) ? count : 0;
  const off = (nodes: readonly number[]): FrameCount =>
    on(kernel.nodes.map(({ nid }) => nid).filter((nid) => !nodes.includes(nid)));
  const outsideCpuset = ({ memsAllowed }: Process): FrameCount =>
    memsAllowed ? off(memsAllowed.nodes) : none;
  const worker = world.workers.get('who' in step ? (step.who ?? DEFAULT_WORKER) : DEFAULT_WORKER);
  const inRange = (rule: FrameCount, { name, offset, bytes }: Range): number => {
    const inode = worker?.objects.get(name)?.inode;
    if (inode?.kind !== 'gmem') return 0;
    return pagesOf(inode, rule, Math.floor(offset / PAGE_SIZE), pagesFor(bytes));
  };
  switch (step.verb) {
    case 'offline':
      return privatePages(world, () => inBlock(step.args.block));
    case 'offline_node':
      return privatePages(world, () => on([step.args.node]));
    case 'numa_balance':
      return privatePages(world, (one) => (one === worker?.process ? off([worker.task.nid]) : none));
    case 'migratepages':
    case 'exec': {
      const args = step.verb === 'exec' ? migratepagesOf(step.args.argv) : step.args;
      if (!args) return null;
      const leaving = args.from.filter((nid) => !args.to.includes(nid));
      const target = world.workers.get(args.worker)?.process;
      return privatePages(world, (one) => (one === target ? on(leaving) : none));
    }
    case 'move_pages':
      return inRange(off([step.args.node]), step.args);
    case 'mbind':
    case 'gmem policy':
      return inRange(off(step.args.nodes), step.args);
    case 'soft_offline':
      return inRange(every, step.args);
    case 'cgroup limit':
    case 'cgroup move': {
      const { path } = step.args;
      return privatePages(world, (one) =>
        one.cgroup.path === path || one.cgroup.path.startsWith(`${path}/`) ? outsideCpuset(one) : none,
      );
    }
    case 'write':
      return askedByFile(world, step.args.path, step.args.value);
    default:
      return null;
  }
}

type Range = Pick<StepArgs['soft_offline'], 'name' | 'offset' | 'bytes'>;

const every: FrameCount = (_pfn, count) => count;
const none: FrameCount = () => 0;
const inBlock =
  (block: number): FrameCount =>
  (pfn, count) =>
    Math.max(0, Math.min(pfn + count, (block + 1) * BLOCK_PAGES) - Math.max(pfn, block * BLOCK_PAGES));

function askedByFile(world: World, path: string, value: string): number | null {
  if (isMemoryBlockFile(path)) {
    const block = Number(/memory(\d+)\//.exec(path)![1]);
    return privatePages(world, () => inBlock(block));
  }
  if (!isSoftOfflineFile(path)) return null;
  const at = Math.floor(Number(value) / PAGE_SIZE);
  return privatePages(world, () => (pfn, count) => (pfn <= at && at < pfn + count ? 1 : 0));
}

/** `migratepages @WORKER FROM TO` of numactl. */
function migratepagesOf([program = '', target = '', from = '', to = '']: readonly string[]):
  StepArgs['migratepages'] | null {
  if (!/(^|\/)migratepages$/.test(program)) return null;
  return { worker: target.slice(1), from: parseList(from) ?? [], to: parseList(to) ?? [] };
}

/** Private pages of all VMs, as far as the rule for the process of each counts them. */
function privatePages(world: World, ruleOf: (process: Process) => FrameCount): number {
  let sum = 0;
  for (const inode of world.kernel.inodes) {
    const vm = inode.kind === 'gmem' ? world.kvm.vmOfGmem.get(inode) : undefined;
    if (vm) sum += pagesOf(inode, ruleOf(vm.process), 0, inode.sizePages);
  }
  return sum;
}

function pagesOf(inode: Inode, rule: FrameCount, index: number, pages: number): number {
  let sum = 0;
  if (rule === none) return sum;
  inode.cache.forEach(index, pages, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (pfn, length) => {
      sum += rule(pfn, length);
    });
  });
  return sum;
}
