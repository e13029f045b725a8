import type { Inode } from '../../kernel/inode.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Mm } from '../../kernel/mm.ts';
import { lpageBlocks } from '../../kvm/memory-region.ts';
import type { World } from '../world.ts';

/**
 * Structures that exist because of private memory, by their ids in datasets/costs.json: what the kernel has in every world, and what the
 * design keeps beside it. None of a kind: left out.
 */
export function structureFacts({ kernel, kvm, view }: World): Record<string, number> {
  const gmems = [...kernel.inodes].filter(({ kind }) => kind === 'gmem');
  const vms = [...kvm.vms];
  const sum = <T>(list: readonly T[], of: (one: T) => number): number =>
    list.reduce((total, one) => total + of(one), 0);
  const tables = sum(vms, ({ tablePages, rootPages, otherRoots }) => {
    return (
      tablePages.count + rootPages.count + sum([...otherRoots.values()], (root) => root.tablePages.count)
    );
  });
  const links = gmems.flatMap(({ mappings }) => [...mappings]);
  const ranges = sum(gmems, ({ policy }) => policy.size);
  const { mempolicy = 0, ...held } = view.held;
  const all = {
    'struct-page': sum(gmems, ({ cache }) => cache.size),
    'page-cache-node': sum(gmems, ({ nodes }) => nodes.size),
    'attribute-node': sum(vms, ({ attributeNodes }) => attributeNodes.size),
    'tdp-table': tables,
    'tdp-table-header': tables,
    'lpage-info': sum(
      vms.flatMap(({ slots }) => [...slots.values()]),
      (slot) => sum(lpageBlocks(slot), (blocks) => blocks),
    ),
    'host-table': hostTables(kernel, gmems),
    vma: links.length,
    'policy-range': ranges,
    mempolicy: mempolicy + ranges + links.filter(({ vma }) => vma.policy !== null).length,
    ...held,
  };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}

/** Tables of processes that lead to entries for private memory. */
function hostTables(kernel: Kernel, gmems: readonly Inode[]): number {
  const byMm = new Map<Mm, { start: number; count: number }[]>();
  for (const { mm, vma } of gmems.flatMap(({ mappings }) => [...mappings])) {
    const ranges = byMm.get(mm) ?? [];
    byMm.set(mm, ranges);
    ranges.push({ start: vma.start, count: vma.end - vma.start });
  }
  let tables = 0;
  for (const [mm, ranges] of byMm) {
    if (!kernel.processes.has(mm.worker)) continue;
    tables += mm.tables.countOver(ranges.sort((a, b) => a.start - b.start));
  }
  return tables;
}
