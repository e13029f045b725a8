import type { Inode } from '../kernel/inode.ts';
import type { Mm } from '../kernel/mm.ts';
import { indexOf, type Vma } from '../kernel/vma.ts';
import { type GmemSlot, hasGmem } from '../kvm/memslot.ts';
import type { PoolOverlap } from '../result/types.ts';
import type { Step } from '../scenario/types.ts';
import type { World } from './world.ts';

/**
 * Guest memory that exists twice: frames of which the gmem has a page, and the shared pool behind the same guest frame, too. Looked up after
 * each step that allocated or freed anything; it costs what the smaller pool has in extents.
 */
export class PoolBook {
  readonly #world: World;
  readonly #rows = new Map<Inode, PoolOverlap>();
  #seen = '';

  constructor(config: { world: World }) {
    this.#world = config.world;
  }

  /** What was found for each gmem so far, as of now; undefined when there was never anything. */
  get rows(): PoolOverlap[] | undefined {
    return this.#rows.size === 0 ? undefined : [...this.#rows.values()].map((row) => ({ ...row }));
  }

  /** Looks at what a step left behind. A note takes no time. */
  afterStep({ verb }: Step): void {
    if (verb === 'note') return;
    const state = this.#state();
    if (state !== this.#seen) this.#count();
    this.#seen = state;
    for (const row of this.#rows.values()) {
      if (row.pages === 0) continue;
      row.steps++;
      row.pageSteps += row.pages;
    }
  }

  /** Differs after every step that can have changed a pool: frames were handed out or came back, or slots are others. */
  #state(): string {
    const { kernel, kvm } = this.#world;
    const allocated = kernel.nodes.reduce((sum, { numa }) => sum + numa.local_node + numa.other_node, 0);
    return [
      allocated,
      kernel.frames.size,
      ...Array.from(kvm.vms, ({ id, slots }) => `${id}:${slots.size}`),
    ].join();
  }

  #count(): void {
    const now = new Map<Inode, number>();
    for (const { process, slots } of this.#world.kvm.vms) {
      for (const slot of slots.values()) {
        if (!process.mm || !hasGmem(slot) || slot.gmem.cache.size === 0) continue;
        if (slot.isGmemOnly || slot.isInPlace || slot.userspaceVpn === 0) continue;
        now.set(slot.gmem, (now.get(slot.gmem) ?? 0) + inBoth(process.mm, slot));
      }
    }
    for (const [gmem, row] of this.#rows) row.pages = now.get(gmem) ?? 0;
    for (const [gmem, pages] of now) {
      if (pages === 0) continue;
      let row = this.#rows.get(gmem);
      if (!row) {
        row = { object: gmem.name, pages: 0, peakPages: 0, peakStep: 0, peakLine: 0, pageSteps: 0, steps: 0 };
        this.#rows.set(gmem, row);
      }
      row.pages = pages;
      if (pages <= row.peakPages) continue;
      const { step, line } = this.#world.at;
      Object.assign(row, { peakPages: pages, peakStep: step, peakLine: line });
    }
  }
}

/** Pages of a slot's gmem that the other pool has, too. */
function inBoth(mm: Mm, slot: GmemSlot): number {
  const { userspaceVpn, pages, gmem, gmemIndex } = slot;
  let count = 0;
  for (const vma of mm.overlapping(userspaceVpn, userspaceVpn + pages)) {
    const from = Math.max(userspaceVpn, vma.start);
    const n = Math.min(userspaceVpn + pages, vma.end) - from;
    forEachPresent(mm, vma, from, n, (vpn, length) => {
      gmem.cache.forEach(gmemIndex + vpn - userspaceVpn, length, (_, m) => {
        count += m;
      });
    });
  }
  return count;
}

/** Stretches of a mapping's addresses that have a page: one of the file, whether mapped or not, or one of the process' own. */
function forEachPresent(
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
  visit: (vpn: number, count: number) => void,
): void {
  const { file } = vma;
  if (!file) {
    mm.pt.forEach(vpn, count, visit);
    return;
  }
  const index = indexOf(vma, vpn);
  file.cache.forEach(index, count, (at, n) => visit(vpn + at - index, n));
  // Copies of pages that the file has are the same guest memory.
  if (vma.shared) return;
  const absent: { at: number; n: number }[] = [];
  file.cache.forEachGap(index, count, (at, n) => absent.push({ at, n }));
  for (const { at, n } of absent) mm.pt.forEach(vpn + at - index, n, visit);
}
