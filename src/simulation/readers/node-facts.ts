import type { NumaNode } from '../../kernel/node.ts';
import type { Zone } from '../../kernel/zone.ts';
import type { NodeFacts, ZoneFacts } from '../../procfs/facts.ts';
import { formatList } from '../../units/nodelist.ts';
import type { World } from '../world.ts';

/** What sysfs and the zone texts say of a node. */
export function nodeFacts(world: World, node: NumaNode): NodeFacts {
  return {
    nid: node.nid,
    cpulist: formatList(node.cpus),
    distances: [...world.kernel.machine.distances[node.nid]!],
    totalPages: node.pages,
    counters: node.counters(),
    numastat: { ...node.numa },
    zones: node.zones.toReversed().map(zoneFacts),
    hugepages: { total: 0, free: 0, surplus: 0 },
  };
}

function zoneFacts(zone: Zone): ZoneFacts {
  return {
    name: zone.name,
    startPfn: zone.startPfn,
    spannedPages: zone.pages,
    presentPages: zone.pages,
    managedPages: zone.pages,
    freePages: zone.freePages,
    minPages: zone.min,
    lowPages: zone.low,
    highPages: zone.high,
    freeByOrder: zone.freeByOrder(),
    counters: {},
  };
}
