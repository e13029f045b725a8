import type { Process } from '../kernel/task.ts';
import type { OomKill } from '../result/types.ts';
import { truthFacts } from './readers/truth-facts.ts';
import type { World } from './world.ts';

/** What the kernel's log says of the limit that was hit (mm/oom_kill.c:dump_oom_victim). */
const LIMIT = /^oom-kill:.*,oom_memcg=([^,]*),/;

/** The record of a process that the OOM killer chose and that is about to exit: who used how much just before, whatever was charged. */
export function oomKill(world: World, process: Process): OomKill {
  const said = world.kernel.log.findLast((line) => line.startsWith('oom-kill:')) ?? '';
  return {
    ...world.at,
    worker: process.worker,
    cgroup: process.memcg.path,
    limit: LIMIT.exec(said)?.[1] ?? null,
    used: truthFacts(world).processes.map(({ worker, cgroup, nodePages }) => ({
      worker,
      cgroup,
      pages: nodePages.reduce((sum, pages) => sum + pages, 0),
    })),
  };
}
