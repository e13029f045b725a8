import type { NumaNode } from '../../kernel/node.ts';
import type { Zone } from '../../kernel/zone.ts';
import type { NodeFacts, ZoneFacts } from '../../procfs/facts.ts';
import { formatList } from '../../units/nodelist.ts';
import { PAGES_PER_PMD } from '../../units/pages.ts';
import type { World } from '../world.ts';

/** What sysfs and the zone texts say of a node. */
export function nodeFacts(world: World, node: NumaNode): NodeFacts {
  const pool = world.kernel.hugetlb.nodes[node.nid]!;
  return {
    nid: node.nid,
    cpulist: formatList(node.cpus),
    distances: [...world.kernel.machine.distances[node.nid]!],
    totalPages: node.pages,
    counters: { ...node.counters(), nr_hugetlb: (pool.total - pool.free.size) * PAGES_PER_PMD },
    numastat: { ...node.numa },
    zones: node.zones.toReversed().map(zoneFacts),
    hugepages: { total: pool.total, free: pool.free.size, surplus: pool.surplus },
  };
}

function zoneFacts(zone: Zone): ZoneFacts {
  return {
    name: zone.name,
    startPfn: zone.startPfn,
    spannedPages: zone.spannedPages,
    presentPages: zone.presentPages,
    managedPages: zone.pages,
    freePages: zone.freePages,
    minPages: zone.min,
    lowPages: zone.low,
    highPages: zone.high,
    freeByOrder: zone.freeByOrder(),
    counters: {},
  };
}
