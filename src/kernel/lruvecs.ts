import type { LruAge } from './folio-class.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import { RECLAIM_BATCH } from './memory-pressure.ts';
import type { Mm } from './mm.ts';
import { forEachLane } from './page-allocator.ts';

/** What to free, and where. */
export interface ReclaimRequest {
  /** The group whose pages go, those of groups below it included; null: anybody's. */
  memcg: Memcg | null;
  /** Nodes, in the order in which they are asked. */
  nids: readonly number[];
  pages: number;
  by: 'direct' | 'kswapd' | 'proactive';
}

/** A stretch that reclaim may take: of a file, of an address space, or frames that nothing but the swap cache holds. */
export interface Evictable {
  kind: 'file' | 'shmem' | 'anon' | 'cached' | 'lazy';
  inode: Inode | null;
  mm: Mm | null;
  /** Page index, page address or frame. */
  at: number;
  count: number;
}

/** Pages of one group on one node (struct lruvec), or of stretches that are spread over the same nodes. */
export interface Lruvec {
  memcg: Memcg;
  nids: readonly number[];
  /** In the order in which they go: page cache, what swap holds already, what was not touched since the last scan, the rest. */
  order: Evictable[][];
  /** Something else than page cache was looked at. */
  isAnonScanned: boolean;
}

/** Pages of swap space that must be there before anonymous memory is looked at, unless swappiness is 0 (mm/vmscan.c:get_swappiness). */
const MIN_SWAP = RECLAIM_BATCH;

/** Everything that could go, by list. Groups below their memory.low are entered in `spared`, and give only if asked to. */
export function collectLruvecs(
  kernel: Kernel,
  { memcg: target, nids }: ReclaimRequest,
  spared: Set<Memcg>,
  takesLow: boolean,
): Lruvec[] {
  const wanted = new Set(nids);
  const lruvecs = new Map<string, Lruvec & { rank: number }>();
  const maySwap = kernel.swappiness > 0 && kernel.swap.freePages >= MIN_SWAP;
  const add = (
    { count: length, period, lanes }: { count: number; period: number; lanes: readonly number[] },
    part: Omit<Evictable, 'count'>,
  ): void => {
    const on = new Set<number>();
    forEachLane(length, period, lanes, (pfn) => on.add(kernel.nidOf(pfn)));
    if (![...on].some((nid) => wanted.has(nid))) return;
    let offset = 0;
    for (const piece of pieces(kernel, length, period, lanes)) {
      const { kind, memcg, mlocked, dirty, age: old } = kernel.classes.get(piece.id);
      const at = part.at + offset;
      offset += piece.count;
      if (kind !== (part.kind === 'cached' ? 'anon' : part.kind) || mlocked) continue;
      if (piece.maps > 0 && (part.kind === 'file' || part.kind === 'cached')) continue;
      if (target && !memcg.isWithin(target)) continue;
      const guard = memcg === target ? null : protectionOf(memcg, target);
      if (guard === 'min') continue;
      if (guard === 'low') {
        spared.add(memcg);
        if (!takesLow) continue;
      }
      const isLazy = old === 'lazy' && !dirty;
      if (part.kind !== 'file' && !isLazy && (!maySwap || memcg.swapRoom() < MIN_SWAP)) continue;
      const key = `${memcg.id} ${[...on].join(' ')}`;
      let lruvec = lruvecs.get(key);
      if (!lruvec) {
        const first = Math.min(...[...on].map((nid) => nids.indexOf(nid)));
        const rank = memcg.id * nids.length + first;
        lruvec = { memcg, nids: [...on], order: [[], [], [], [], []], isAnonScanned: false, rank };
        lruvecs.set(key, lruvec);
      }
      const place =
        part.kind === 'file' || isLazy ? 0 : part.kind === 'cached' ? CACHED : placeOf(kernel, old);
      const evictable = isLazy ? 'lazy' : part.kind;
      lruvec.order[place]!.push({ ...part, kind: evictable, at, count: piece.count });
    }
  };
  for (const inode of kernel.inodes) {
    if (inode.kind === 'gmem' || (inode.kind === 'shmem' && !maySwap)) continue;
    // Pages of programs are in use elsewhere, too.
    const from = inode.kind === 'file' ? firstUnused(kernel, inode) : 0;
    inode.cache.forEach(from, inode.sizePages - from, (at, length, period, lanes) =>
      add({ count: length, period, lanes }, { kind: inode.kind as 'file' | 'shmem', inode, mm: null, at }),
    );
  }
  if (maySwap || kernel.hasAgedFolios) {
    kernel.swap.slotOf.forEach(0, 2 ** 40, (pfn, length) =>
      add({ count: length, period: 1, lanes: [pfn] }, { kind: 'cached', inode: null, mm: null, at: pfn }),
    );
    for (const { mm, isAlive } of kernel.processes.values()) {
      if (!mm || !isAlive) continue;
      mm.pt.forEach(0, 2 ** 40, (at, length, period, lanes) =>
        add({ count: length, period, lanes }, { kind: 'anon', inode: null, mm, at }),
      );
    }
  }
  return [...lruvecs.values()].sort((a, b) => a.rank - b.rank);
}

/** Places in the order of eviction: of what swap holds already, and of old anonymous pages. */
export const CACHED = 1;
export const OLD = 2;

/** Place of anonymous pages in the order of eviction. */
function placeOf(kernel: Kernel, age: LruAge): number {
  if (age === 'old') return OLD;
  return kernel.profile.sparesRefaulted && age === 'young' ? OLD + 2 : OLD + 1;
}

/** Images take the first pages of a background file. */
function firstUnused(kernel: Kernel, inode: Inode): number {
  const nid = kernel.background.indexOf(inode);
  return nid < 0 ? 0 : (kernel.backgroundUsed[nid] ?? 0);
}

/** mm/memcontrol.c:mem_cgroup_below_min and _low below the target, without the shares that a parent's protection is divided into. */
function protectionOf(memcg: Memcg, target: Memcg | null): 'min' | 'low' | null {
  let found: 'low' | null = null;
  for (let group: Memcg | null = memcg; group && group !== target; group = group.parent) {
    if (group.min > 0 && group.usage <= group.min) return 'min';
    if (group.low > 0 && group.usage <= group.low) found = 'low';
  }
  return found;
}

/** Stretches of consecutive pages whose frames are of one class; interleaved pages are one where all are, else they come one by one. */
function pieces(
  kernel: Kernel,
  length: number,
  period: number,
  lanes: readonly number[],
): { count: number; id: number; maps: number }[] {
  const found: { count: number; id: number; maps: number }[] = [];
  forEachLane(length, period, lanes, (pfn, n) => {
    kernel.frames.forEach(pfn, n, (_start, pages, id, maps) => found.push({ count: pages, id, maps }));
  });
  if (period === 1) return found;
  const { id, maps } = found[0]!;
  if (found.every((one) => one.id === id && one.maps === maps)) return [{ count: length, id, maps }];
  return Array.from({ length }, (_, k) => {
    const pfn = lanes[k % period]! + Math.floor(k / period);
    return { count: 1, id: kernel.frames.classOf(pfn), maps: kernel.frames.mapCountOf(pfn) };
  });
}
