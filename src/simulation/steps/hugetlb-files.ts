import { resizePool } from '../../kernel/hugetlb-pool-size.ts';
import type { Task } from '../../kernel/task.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';

/** Files that set the pool of 2 MiB pages: of the machine and of one node, and how many surplus pages it may take. */
const FILES: readonly RegExp[] = [
  /^\/(?:sys\/kernel\/mm\/hugepages\/hugepages-2048kB|proc\/sys\/vm)\/nr_hugepages$/,
  /^\/sys\/devices\/system\/node\/node(\d+)\/hugepages\/hugepages-2048kB\/nr_hugepages$/,
  /^\/(?:sys\/kernel\/mm\/hugepages\/hugepages-2048kB|proc\/sys\/vm)\/nr_overcommit_hugepages$/,
];
const OVERCOMMIT = 2;

/** Whether a file sets the pool of huge pages. */
export const isHugetlbFile = (path: string): boolean => FILES.some((file) => file.test(path));

/** Writes a number of huge pages (mm/hugetlb.c:nr_hugepages_store_common, nr_overcommit_hugepages_store). `task` is who writes. */
export function writeHugetlbFile(world: World, task: Task, path: string, value: string): Outcome {
  const which = FILES.findIndex((file) => file.test(path));
  if (!/^\d+$/.test(value)) return failed('EINVAL');
  const node = FILES[which]!.exec(path)?.[1];
  const nid = node === undefined ? null : Number(node);
  if (nid !== null && (world.kernel.nodes[nid]?.pages ?? 0) === 0) return failed('ENOENT');
  if (which === OVERCOMMIT) world.kernel.hugetlb.overcommit = Number(value);
  else resizePool(world.kernel, task, Number(value), nid);
  return done();
}
