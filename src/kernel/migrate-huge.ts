import { PAGES_PER_PMD } from '../units/pages.ts';
import { setMlocked } from './folios.ts';
import { splitHugeFolios } from './huge-folios.ts';
import { splitHugeEntry } from './huge-maps.ts';
import type { Kernel } from './kernel.ts';
import type { Isolated, Move } from './migrate.ts';

/**
 * What was taken off the lists, with every huge folio as a whole and once, wherever the walk met a part of it (folio_isolate_lru): stretches
 * of huge folios are marked as such.
 */
export function wholeFolios(kernel: Kernel, isolated: readonly Isolated[]): Isolated[] {
  if (kernel.hugeFolios.size === 0) return [...isolated];
  const seen = new Set<number>();
  const out: Isolated[] = [];
  for (const source of isolated) {
    if (kernel.classes.get(kernel.frames.classOf(source.pfn)).order === 0) {
      out.push(source);
      continue;
    }
    const first = Math.floor(source.pfn / PAGES_PER_PMD);
    const last = Math.ceil((source.pfn + source.count) / PAGES_PER_PMD);
    const from = seen.has(first) ? first + 1 : first;
    if (from >= last) continue;
    seen.add(first).add(last - 1);
    const pfn = from * PAGES_PER_PMD;
    const count = (last - from) * PAGES_PER_PMD;
    out.push({ ...source, vpn: source.vpn + pfn - source.pfn, pfn, count, isHuge: true });
  }
  return out;
}

/** Moves what is known of huge folios as such: huge entries that map them count on the new node. Before 6.18 they lose PG_mlocked by it. */
export function moveHugeFolios(kernel: Kernel, moves: readonly Move[]): void {
  for (const { from, to, count } of moves) {
    const blocks = count / PAGES_PER_PMD;
    const shift = (to - from) / PAGES_PER_PMD;
    const before: { block: number; n: number; id: number; maps: number }[] = [];
    kernel.hugeFolios.free(from / PAGES_PER_PMD, blocks, (block, n, id, maps) => {
      before.push({ block, n, id, maps });
    });
    for (const { block, n, id, maps } of before) {
      kernel.hugeFolios.allocate(block + shift, n, id);
      if (maps === 0) continue;
      kernel.hugeFolios.addMaps(block + shift, n, maps, () => undefined);
      const { kind, memcg } = kernel.classes.get(id);
      for (const [at, sign] of [
        [block, -1],
        [block + shift, 1],
      ] as const) {
        const nid = kernel.nidOf(at * PAGES_PER_PMD);
        const pages = sign * n * PAGES_PER_PMD;
        if (kind !== 'anon') {
          kernel.nodes[nid]!.add('nr_shmem_pmdmapped', pages);
          continue;
        }
        kernel.nodes[nid]!.add('nr_anon_transparent_hugepages', pages);
        memcg.add('anon_thp', nid, pages);
      }
    }
    if (!kernel.profile.rmapLocksHuge) setMlocked(kernel, to, count, false);
  }
}

/** try_split_folio: huge folios for which no huge target is to be had; their pages go one by one. */
export function splitForMigration<T extends { pfn: number; count: number }>(
  kernel: Kernel,
  source: T,
): T & { isHuge: false } {
  splitHugeRange(kernel, source);
  kernel.event('thp_migration_split', source.count / PAGES_PER_PMD);
  return { ...source, isHuge: false };
}

/** Splits the huge folios of a stretch into single pages, and the huge entries that map them. */
export function splitHugeRange(kernel: Kernel, { pfn, count }: { pfn: number; count: number }): void {
  const isInside = (at: number): boolean => at >= pfn && at < pfn + count;
  for (const { mm } of kernel.processes.values()) {
    if (!mm || mm.hugeBlocks.size === 0) continue;
    const blocks: number[] = [];
    mm.hugeBlocks.forEachRun(0, 2 ** 30, (block, n) => {
      for (let k = 0; k < n; k++)
        if (isInside(mm.pt.get((block + k) * PAGES_PER_PMD))) blocks.push(block + k);
    });
    for (const block of blocks) splitHugeEntry(kernel, mm, block);
  }
  splitHugeFolios(kernel, pfn, count / PAGES_PER_PMD);
}
