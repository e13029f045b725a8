import { parseList } from '../units/nodelist.ts';
import { formatSize, PAGE_SIZE, PAGES_PER_PMD } from '../units/pages.ts';
import { checkDistances } from './check-distances.ts';
import type { Draft } from './draft.ts';
import type { Path } from './positioned-document.ts';
import type { Section } from './section.ts';
import type { MachineSource, NodeSource, SizeSource } from './source-types.ts';
import type { Machine, MachineNode } from './types.ts';

/** What four-level page tables on x86-64 address (MAX_PHYSMEM_BITS 46). */
const MAX_MEMORY = 64 * 2 ** 40;
const HUGE_PAGE: number = PAGE_SIZE * PAGES_PER_PMD;
/** NR_CPUS of distributions' kernels. */
const MAX_CPUS = 8192;

/**
 * Makes a machine and reports what does not go together. Where the schema found fault, the source has gaps and the machine has NaN:
 * it is then good for checking what refers to it, no more. Null when it is not even clear which nodes there are.
 */
export function checkMachine(source: Draft<MachineSource>, section: Section): Machine | null {
  if (!source.nodes) return null;
  const movable = section.size(['movable'], source.movable);
  const cpuOwner = new Map<number, number>();
  const nodes = source.nodes.map((node, nid) => checkNode(node ?? {}, nid, movable, cpuOwner, section));
  const total = nodes.reduce((sum, node) => sum + node.memoryBytes, 0);
  if (cpuOwner.size === 0) section.complain(['nodes'], 'range', 'no node has CPUs: at least one must');
  if (total === 0) section.complain(['nodes'], 'range', 'no node has memory: at least one must');
  if (total > MAX_MEMORY) {
    const words = `the nodes have ${formatSize(total)} of memory: at most ${formatSize(MAX_MEMORY)} can be addressed`;
    section.complain(['nodes'], 'range', words);
  }
  const hugepages = hugePages(['hugepages'], source.hugepages, total, section);
  const owner = source.nodes.findIndex((node) => node?.hugepages !== undefined);
  if (source.hugepages !== undefined && owner >= 0) {
    const words = 'the machine says how many huge pages there are: either it does, or its nodes do';
    section.complain(['nodes', owner, 'hugepages'], 'range', words);
  }
  return {
    title: source.title ?? '',
    nodes,
    hugepages,
    distances: checkDistances(source.distances, nodes.length, section),
    sysctl: { ...(source.sysctl as MachineSource['sysctl']) },
    ...(source.swap === undefined
      ? {}
      : { swap: { bytes: section.size(['swap'], source.swap), isOn: true } }),
    thp: {
      enabled: source.thp?.enabled ?? 'never',
      shmem: source.thp?.shmem ?? 'never',
      defrag: source.thp?.defrag ?? 'madvise',
    },
  };
}

function checkNode(
  source: Draft<NodeSource>,
  nid: number,
  movable: number,
  cpuOwner: Map<number, number>,
  section: Section,
): MachineNode {
  const path = ['nodes', nid];
  const memoryBytes = section.size([...path, 'memory'], source.memory, Number.NaN);
  const movableBytes = section.size([...path, 'movable'], source.movable, movable);
  const { pageCache, anon, slab } = source.background ?? {};
  const background = {
    pageCache: section.size([...path, 'background', 'pageCache'], pageCache),
    anon: section.size([...path, 'background', 'anon'], anon),
    slab: section.size([...path, 'background', 'slab'], slab),
  };
  if (memoryBytes % PAGE_SIZE > 0) {
    section.complain([...path, 'memory'], 'range', `${source.memory} is no whole number of 4 KiB pages`);
  }
  if (movableBytes > memoryBytes) {
    const at = source.movable === undefined ? ['movable'] : [...path, 'movable'];
    const words = `${formatSize(movableBytes)} of ZONE_MOVABLE do not fit into node ${nid}, which has ${formatSize(memoryBytes)}`;
    section.complain(at, 'range', words);
  }
  const hugepages = hugePages([...path, 'hugepages'], source.hugepages, memoryBytes, section);
  const taken = background.pageCache + background.anon + background.slab;
  if (taken > memoryBytes) {
    const words = `${formatSize(taken)} do not fit into node ${nid}, which has ${formatSize(memoryBytes)}`;
    section.complain([...path, 'background'], 'range', words);
  }
  const cpus = checkCpus(source.cpus, nid, cpuOwner, section);
  return { cpus, memoryBytes, movableBytes, hugepages, background };
}

/** Pages of a pool that is given by its size; undefined where there is none. */
function hugePages(
  path: Path,
  source: SizeSource | undefined,
  memoryBytes: number,
  section: Section,
): number | undefined {
  const bytes = section.size(path, source);
  if (bytes === 0) return undefined;
  if (bytes % HUGE_PAGE > 0) section.complain(path, 'range', `${source} is no whole number of 2 MiB pages`);
  if (bytes > memoryBytes) {
    const words = `${formatSize(bytes)} of huge pages do not fit: there are ${formatSize(memoryBytes)} of memory`;
    section.complain(path, 'range', words);
  }
  return Math.floor(bytes / HUGE_PAGE);
}

function checkCpus(
  source: string | number | undefined,
  nid: number,
  cpuOwner: Map<number, number>,
  section: Section,
): number[] {
  const path = ['nodes', nid, 'cpus'];
  const cpus = source === undefined ? undefined : parseList(String(source));
  if (source !== undefined && !cpus) {
    section.complain(path, 'range', `"${source}" is no list of CPUs: a range counts upwards, as in 0-15`);
  }
  // Nobody knows which CPUs these are: NaN keeps the checks that need them from complaining.
  const known = cpus ?? [Number.NaN];
  const last = known.at(-1) ?? 0;
  if (last >= MAX_CPUS) section.complain(path, 'range', `CPU ${last} is too large: at most ${MAX_CPUS - 1}`);
  const taken = known.find((cpu) => cpuOwner.has(cpu) && !Number.isNaN(cpu));
  if (taken !== undefined) {
    section.complain(path, 'reference', `CPU ${taken} belongs to node ${cpuOwner.get(taken)} already`);
  }
  for (const cpu of known) cpuOwner.set(cpu, nid);
  return known;
}
