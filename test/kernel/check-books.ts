import { expect } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.ts';

/** What every counter must be, from page tables and page caches alone. */
export function checkBooks(kernel: Kernel): void {
  const anon = kernel.nodes.map(() => 0);
  const mapped = kernel.nodes.map(() => new Set<number>());
  const maps = new Map<number, number>();
  for (const { mm } of kernel.processes.values()) {
    mm?.pt.forEach(0, 2 ** 40, (_, n, period, lanes) => {
      for (let k = 0; k < n; k++) {
        const pfn = lanes[k % period]! + Math.floor(k / period);
        maps.set(pfn, (maps.get(pfn) ?? 0) + 1);
      }
    });
  }
  for (const [pfn, count] of maps) {
    expect(kernel.frames.mapCountOf(pfn)).toBe(count);
    const nid = kernel.nidOf(pfn);
    if (kernel.classes.get(kernel.frames.classOf(pfn)).kind === 'anon') anon[nid]!++;
    else mapped[nid]!.add(pfn);
  }
  const shmem = kernel.nodes.map(() => 0);
  for (const inode of kernel.inodes) {
    if (inode.kind !== 'shmem') continue;
    for (let i = 0; i < inode.sizePages; i++) {
      const pfn = inode.cache.get(i);
      if (pfn < 0) continue;
      expect(kernel.classes.get(kernel.frames.classOf(pfn)).inode).toBe(inode);
      shmem[kernel.nidOf(pfn)]!++;
    }
    for (const { mm, vma } of inode.mappings) {
      for (let at = vma.start; at < vma.end; at++) {
        const pfn = mm.pt.get(at);
        if (pfn >= 0 && vma.shared) expect(pfn).toBe(inode.cache.get(vma.pgoff + at - vma.start));
      }
    }
  }
  kernel.nodes.forEach((node, nid) => {
    expect(node.counter('nr_anon_pages')).toBe(anon[nid]);
    expect(node.counter('nr_mapped')).toBe(mapped[nid]!.size);
    expect(node.counter('nr_shmem')).toBe(shmem[nid]);
    expect(kernel.rootMemcg.own('anon', nid)).toBe(anon[nid]);
    expect(kernel.rootMemcg.own('shmem', nid)).toBe(shmem[nid]);
  });
}
