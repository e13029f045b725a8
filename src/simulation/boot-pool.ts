import { resizePool } from '../kernel/hugetlb-pool-size.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { kernelProcess } from './background.ts';

/** Pages of the pool at boot, of the machine or by node. */
interface BootPool {
  hugepages?: number | undefined;
  nodes: readonly { hugepages?: number | undefined }[];
}

/** Shares of a job that its threads take at a time (kernel/padata.c:load_balance_factor). */
const LOAD_BALANCE_FACTOR = 4;

/**
 * Fills the pool of huge pages before anything else takes memory (`hugepages=` on the kernel's command line). Threads do it in chunks,
 * and each chunk begins with the first node (mm/hugetlb.c:hugetlb_pages_alloc_boot_node); whoever writes nr_hugepages later does, too.
 */
export function fillPool(kernel: Kernel, { hugepages = 0, nodes }: BootPool): void {
  const pool = kernel.hugetlb;
  const { main } = kernelProcess(kernel, kernel.cpuNode.find((nid) => nid !== undefined) ?? 0);
  const fill = (wanted: number, nid: number | null): void => {
    const had = pool.total;
    pool.nextToAllocate = 0;
    resizePool(kernel, main, nid === null ? had + wanted : wanted, nid);
    pool.nextToAllocate = 0;
    const missing = wanted - (pool.total - had);
    if (missing === 0) return;
    const where = nid === null ? 'the machine' : `node ${nid} of the machine`;
    throw new RangeError(`${where} has no room for its huge pages: ${missing} of ${wanted} are missing`);
  };
  const chunk = chunkOf(kernel, hugepages);
  for (let done = 0; done < hugepages; done += chunk) fill(Math.min(chunk, hugepages - done), null);
  nodes.forEach(({ hugepages: own = 0 }, nid) => own > 0 && fill(own, nid));
}

/** Pages that a thread takes at a time (kernel/padata.c:padata_do_multithreaded). */
function chunkOf(kernel: Kernel, pages: number): number {
  const memoryNodes = kernel.nodes.filter((node) => node.pages > 0).length;
  const cpus = kernel.cpuNode.filter((nid) => nid !== undefined).length;
  const threads = kernel.profile.poolThreadsByCpu ? Math.max(1, Math.floor(cpus / 4)) : 2 * memoryNodes;
  const least = Math.max(1, Math.floor(pages / threads));
  const works = Math.min(threads, Math.floor(pages / least));
  return works <= 1 ? Math.max(1, pages) : Math.max(least, Math.floor(pages / (works * LOAD_BALANCE_FACTOR)));
}
