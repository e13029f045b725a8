import type { NodeFacts, SystemFacts } from './facts.ts';
import { nodeCounter, nodeFreePages, systemCounter } from './node-sums.ts';
import { pagesToKb } from '../units/pages.ts';

/** Size of the vmalloc area of x86-64 with four page-table levels. */
const X86_VMALLOC_KB: number = 2 ** 35 - 1;

/** kB by meminfo name, for the names that both /proc/meminfo and nodeN/meminfo print. */
function sharedValues(nodes: readonly NodeFacts[]): Record<string, number> {
  const sum = (name: string): number => systemCounter(nodes, name);
  const kb = (name: string, more?: string): number => pagesToKb(sum(name) + (more ? sum(more) : 0));
  return {
    MemTotal: pagesToKb(nodes.reduce((total, node) => total + node.totalPages, 0)),
    MemFree: pagesToKb(nodes.reduce((total, node) => total + nodeFreePages(node), 0)),
    SwapCached: kb('nr_swapcached'),
    Active: kb('nr_active_anon', 'nr_active_file'),
    Inactive: kb('nr_inactive_anon', 'nr_inactive_file'),
    'Active(anon)': kb('nr_active_anon'),
    'Inactive(anon)': kb('nr_inactive_anon'),
    'Active(file)': kb('nr_active_file'),
    'Inactive(file)': kb('nr_inactive_file'),
    Unevictable: kb('nr_unevictable'),
    Mlocked: kb('nr_mlock'),
    Dirty: kb('nr_dirty'),
    Writeback: kb('nr_writeback'),
    Mapped: kb('nr_mapped'),
    AnonPages: kb('nr_anon_pages'),
    Shmem: kb('nr_shmem'),
    KernelStack: sum('nr_kernel_stack'),
    PageTables: kb('nr_page_table_pages'),
    SecPageTables: kb('nr_sec_page_table_pages'),
    Bounce: kb('nr_bounce'),
    WritebackTmp: kb('nr_writeback_temp'),
    KReclaimable: kb('nr_slab_reclaimable', 'nr_kernel_misc_reclaimable'),
    Slab: kb('nr_slab_reclaimable', 'nr_slab_unreclaimable'),
    SReclaimable: kb('nr_slab_reclaimable'),
    SUnreclaim: kb('nr_slab_unreclaimable'),
    AnonHugePages: kb('nr_anon_transparent_hugepages'),
    ShmemHugePages: kb('nr_shmem_hugepages'),
    ShmemPmdMapped: kb('nr_shmem_pmdmapped'),
    FileHugePages: kb('nr_file_hugepages'),
    FilePmdMapped: kb('nr_file_pmdmapped'),
    Unaccepted: kb('nr_unaccepted'),
    CmaFree: kb('nr_free_cma'),
    Balloon: kb('nr_balloon_pages'),
    GPUActive: kb('nr_gpu_active'),
    GPUReclaim: kb('nr_gpu_reclaim'),
  };
}

/** What nodeN/meminfo prints, by name: kB, and pages of the pool for HugePages_*. */
export function nodeMeminfoValues(node: NodeFacts): Record<string, number> {
  const shared = sharedValues([node]);
  return Object.assign(shared, {
    MemUsed: shared['MemTotal']! - shared['MemFree']!,
    FilePages: pagesToKb(nodeCounter(node, 'nr_file_pages')),
    HugePages_Total: node.hugepages.total,
    HugePages_Free: node.hugepages.free,
    HugePages_Surp: node.hugepages.surplus,
  });
}

/**
 * What /proc/meminfo prints, by name: kB, and pages of the pool for HugePages_*. A name that the system facts give wins;
 * what neither they nor the nodes know is zero.
 */
export function meminfoValues(system: SystemFacts, nodes: readonly NodeFacts[]): Record<string, number> {
  const shared = sharedValues(nodes);
  const pool = system.hugepages;
  const given: Record<string, number> = {};
  for (const [name, pages] of Object.entries(system.meminfoPages)) given[name] = pagesToKb(pages);
  const filePages = pagesToKb(systemCounter(nodes, 'nr_file_pages'));
  const hugeKb = pool.total * pool.hugepageKb;
  const own = {
    Cached: Math.max(0, filePages - shared['SwapCached']! - (given['Buffers'] ?? 0)),
    VmallocTotal: X86_VMALLOC_KB,
    HugePages_Total: pool.total,
    HugePages_Free: pool.free,
    HugePages_Rsvd: pool.reserved,
    HugePages_Surp: pool.surplus,
    Hugepagesize: pool.hugepageKb,
    Hugetlb: hugeKb,
  };
  return Object.assign(shared, own, given);
}
