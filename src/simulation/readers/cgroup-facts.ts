import type { Cgroup } from '../../kernel/cgroup.ts';
import { EVENT_ITEMS, KERNEL_ITEMS, MEMCG_ITEMS, Memcg, type MemcgItem } from '../../kernel/memcg.ts';
import type { CgroupFacts } from '../../procfs/facts.ts';
import { PAGE_SIZE } from '../../units/pages.ts';
import type { World } from '../world.ts';

/** Items whose statistic is in bytes already. */
const IN_BYTES: ReadonlySet<MemcgItem> = new Set(['slab_reclaimable', 'slab_unreclaimable', 'kernel_stack']);

/** What a cgroup's memory files say; the hierarchy below it is included. A group without memory files has nothing in them. */
export function cgroupFacts(world: World, group: Cgroup): CgroupFacts {
  const memcg =
    group.ownMemcg ?? new Memcg({ id: 0, path: group.path, parent: null, nodes: world.kernel.nodes.length });
  const numaStat: Record<string, number[]> = {};
  const stat: Record<string, number> = { ...memcg.vmEvents };
  for (const item of MEMCG_ITEMS) {
    const scale = IN_BYTES.has(item) || EVENT_ITEMS.has(item) ? 1 : PAGE_SIZE;
    const bytes = memcg.total(item).map((amount) => amount * scale);
    numaStat[item] = bytes;
    stat[item] = bytes.reduce((sum, amount) => sum + amount, 0);
  }
  const sum = (items: readonly string[]): number =>
    items.reduce((total, item) => total + (stat[item] ?? 0), 0);
  stat['kernel'] = sum(KERNEL_ITEMS);
  stat['slab'] = sum(['slab_reclaimable', 'slab_unreclaimable']);
  // Not a line of its own in any file.
  delete stat['kernel_other'];
  delete numaStat['kernel_other'];
  return {
    path: group.path,
    currentBytes: memcg.usage * PAGE_SIZE,
    peakBytes: memcg.peak * PAGE_SIZE,
    maxBytes: memcg.max === null ? null : memcg.max * PAGE_SIZE,
    highBytes: memcg.high === null ? null : memcg.high * PAGE_SIZE,
    swapCurrentBytes: memcg.swapUsage * PAGE_SIZE,
    procs: [...world.kernel.processes.values()]
      .filter((process) => process.isAlive && process.cgroup === group)
      .map((process) => process.pid),
    stat,
    numaStat,
    events: { ...memcg.events },
  };
}
