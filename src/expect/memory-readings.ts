import { CGROUP_INTERFACES } from '../analysis/cgroup-interfaces.ts';
import type { CgroupFacts, NodeFacts, NumaEvents } from '../procfs/facts.ts';
import { meminfoValues, nodeMeminfoValues } from '../procfs/meminfo-values.ts';
import type { ExpectationUnit } from '../result/types.ts';
import { ofInterface } from './interface-reading.ts';
import {
  type Reading,
  type ReadingKind,
  ReadingError,
  type ReadingWords,
  UnknownWordError,
} from './reading.ts';

const NUMASTAT: readonly (keyof NumaEvents)[] = [
  'numa_hit',
  'numa_miss',
  'numa_foreign',
  'interleave_hit',
  'local_node',
  'other_node',
];

/** Free blocks of 2 MiB: huge pages that could be had at once. */
const HUGE_BLOCKS = 'huge-blocks';
const HUGE_ORDER = 9;

/** By the lines of /proc/buddyinfo. */
const hugeBlocks = ({ zones }: NodeFacts): number =>
  zones.reduce(
    (sum, { freeByOrder }) =>
      freeByOrder.reduce(
        (total, blocks, order) => total + (order < HUGE_ORDER ? 0 : blocks * 2 ** (order - HUGE_ORDER)),
        sum,
      ),
    0,
  );

/** Items of memory.stat that count events; the others are bytes. */
const isEvent = (item: string): boolean =>
  /^(pg|work|thp_|zswp|swpin|swpout|numa_|hugetlb_)/.test(item) && !item.endsWith('bytes');

/** Names in meminfo that are pages of the pool, not kB. */
const isPoolCount = (name: string): boolean => name.startsWith('HugePages_');

/** `node N FIELD`: a line of nodeN/meminfo or nodeN/numastat. */
export const NODE_READING: ReadingKind = {
  usage: `node N FIELD, FIELD a name of nodeN/meminfo (FilePages, Unevictable, MemFree, …), of numastat (${NUMASTAT.join(', ')}), or ${HUGE_BLOCKS} (free blocks of 2 MiB)`,
  of: 'moment',
  parse(words) {
    const nid = words.takeNode();
    const name = words.take('the field', [...words.names.layout.nodeMeminfo, ...NUMASTAT, HUGE_BLOCKS]);
    const event = NUMASTAT.find((one) => one === name);
    const ofNode = (read: (node: NodeFacts) => number): Reading['read'] => {
      return ({ snapshot }) => {
        const node = snapshot?.facts.nodes.find((one) => one.nid === nid);
        return node ? read(node) : null;
      };
    };
    if (name === HUGE_BLOCKS) return { unit: 'count', read: ofNode(hugeBlocks) };
    if (event) return { unit: 'count', read: ofNode((node) => node.numastat[event]) };
    return inKb(name, (unit) => ofNode((node) => (nodeMeminfoValues(node)[name] ?? 0) * unit));
  },
};

/** `meminfo FIELD`: a line of /proc/meminfo. */
export const MEMINFO_READING: ReadingKind = {
  usage: 'meminfo FIELD, FIELD a name of /proc/meminfo (Cached, MemAvailable, Unevictable, …)',
  of: 'moment',
  parse(words) {
    const name = words.take('the field', words.names.layout.meminfo);
    return inKb(name, (unit) => ({ snapshot }) => {
      const facts = snapshot?.facts;
      return facts ? (meminfoValues(facts.system, facts.nodes)[name] ?? 0) * unit : null;
    });
  },
};

function inKb(name: string, read: (unit: number) => Reading['read']): Reading {
  return isPoolCount(name) ? { unit: 'count', read: read(1) } : { unit: 'bytes', read: read(1024) };
}

/** `cgroup PATH FILE[/ITEM] [node N]`: a file of the memory controller, or an item of it. */
export const CGROUP_READING: ReadingKind = {
  usage:
    'cgroup PATH memory.current, memory.stat/ITEM, memory.events/ITEM, memory.numa_stat/ITEM node N, or an interface of the comparison',
  of: 'moment',
  parse(words) {
    const path = words.take('the cgroup', words.names.cgroups);
    const { layout } = words.names;
    const items: Readonly<Record<string, readonly string[]>> = {
      'memory.stat': layout.memoryStat,
      'memory.events': layout.memoryEvents,
      'memory.numa_stat': layout.memoryNumaStat,
    };
    const known = [...CGROUP_INTERFACES.map(({ id }) => id), ...Object.keys(items).map((file) => `${file}/`)];
    const name = words.take('the file');
    const shown = CGROUP_INTERFACES.find(({ id }) => id === name);
    if (shown) return ofInterface(shown, path, words);
    const [file, item] = name.split('/', 2) as [string, string | undefined];
    const names = items[file];
    if (!names || item === undefined) throw new UnknownWordError(name, 'the file', known);
    if (!names.includes(item)) throw new UnknownWordError(item, `item of ${file}`, names);
    return ofItem(file, item, path, words);
  },
};

function ofItem(file: string, item: string, path: string, words: ReadingWords): Reading {
  const nid = words.takeNodePart();
  const perNode = file === 'memory.numa_stat';
  if (perNode !== (nid !== null)) {
    throw new ReadingError(
      perNode ? `${file} is by node: node N is missing` : `${file} has no split by node`,
    );
  }
  const unit: ExpectationUnit =
    file === 'memory.events' || (file === 'memory.stat' && isEvent(item)) ? 'count' : 'bytes';
  const value = (cgroup: CgroupFacts): number => {
    if (perNode) return cgroup.numaStat[item]?.[nid!] ?? 0;
    return (file === 'memory.stat' ? cgroup.stat : cgroup.events)[item] ?? 0;
  };
  return {
    unit,
    read: ({ snapshot }) => {
      const cgroup = snapshot?.facts.cgroups.find((one) => one.path === path);
      return cgroup ? value(cgroup) : null;
    },
  };
}
