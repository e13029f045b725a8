import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameUses } from '../../src/kernel/frame-uses.ts';
import type { GmemMigration } from '../../src/kernel/gmem-stretch.ts';
import type { Inode } from '../../src/kernel/inode.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import type { Move } from '../../src/kernel/migrate.ts';
import { takePieces } from '../../src/kernel/page-allocator.ts';
import { along } from '../../src/kernel/placement.ts';
import { relocate } from '../../src/kernel/relocate.ts';
import { zapFileLane } from '../../src/kvm/guest-memfd.ts';
import { guestAccess } from '../../src/kvm/page-fault.ts';
import type { Vm } from '../../src/kvm/vm.ts';
import type { PageLane } from '../../src/units/page-runs.ts';
import { PAGE_SIZE } from '../../src/units/pages.ts';
import { fourNodes, Lab, MiB } from '../simulation/lab.ts';

interface Setting {
  pages: number;
  /** Over how many nodes they are interleaved. */
  nodes: number;
  /** Pages that the guest has not touched: every n-th. */
  untouched: number;
  /** Which of the frames of node 1 move: from this share of them on, this share. */
  from: number;
  share: number;
  /** Every n-th page refuses; 0: none. */
  refuses: number;
  /** The design zaps the guest's entries. */
  zaps: boolean;
  /** Who counts. */
  accounting: string;
  /** Whether faults mark pages dirty depends on it. */
  release: '6.12' | '7.3';
}

/** A guest whose private memory is interleaved over nodes 1 to n, and touched. */
class Guest {
  readonly lab: Lab;
  readonly kernel: Kernel;
  readonly inode: Inode;
  readonly vm: Vm;
  readonly outcomes = { moved: 0, failed: 0 };

  constructor({ pages, nodes, untouched, refuses, zaps, accounting, release }: Setting) {
    this.lab = new Lab({
      strategy: `task-policy+${accounting}`,
      kernel: release,
      machine: fourNodes(64 * MiB),
    });
    const { world } = this.lab;
    this.kernel = world.kernel;
    const bytes = pages * PAGE_SIZE;
    const over = Array.from({ length: nodes }, (_, nid) => (nid + 1) % 4).sort((a, b) => a - b);
    this.lab.do('mempolicy', { mode: 'interleave', flags: [], nodes: over });
    this.lab.do('vm create', { type: 'swprot' });
    this.lab.do('gmem create', { name: 'g', bytes, flags: 0 });
    this.lab.do('vm slot', { slot: 0, gpa: 0, bytes, object: null, offset: 0, gmem: 'g', gmemOffset: 0 });
    this.lab.do('vm attr', { gpa: 0, bytes, to: 'private' });
    this.lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes });
    this.inode = [...this.kernel.inodes].find(({ kind }) => kind === 'gmem')!;
    this.vm = [...world.kvm.vms][0]!;
    this.kernel.hooks = {
      ...this.kernel.hooks,
      mayMigrate: () => true,
      migrateFolio: (inode, lane) => {
        const { index, stride } = lane;
        const isRefused = (k: number): boolean => refuses > 0 && (index + k * stride) % refuses === 0;
        let count = 1;
        while (count < lane.count && isRefused(count) === isRefused(0)) count++;
        if (zaps) zapFileLane(world.kvm, inode, { index, count, stride });
        return { errno: isRefused(0) ? 'EIO' : 0, count };
      },
    };
    this.kernel.gmemMigrated = ({ moved, failed }: GmemMigration) => {
      this.outcomes.moved += moved;
      this.outcomes.failed += failed;
    };
    for (let gfn = 0; gfn < pages; gfn += untouched) {
      guestAccess(world.kvm, this.vm, this.#task, gfn, Math.min(untouched, pages - gfn) - 1, 'private');
    }
  }

  get #task(): Parameters<typeof guestAccess>[2] {
    return this.lab.world.workers.get('w0')!.task;
  }

  touchAll(): void {
    guestAccess(this.lab.world.kvm, this.vm, this.#task, 0, this.inode.sizePages, 'private');
    this.lab.world.stale.afterStep();
  }

  /** Moves frames of node 1 to node 0: at once, or one after the other. */
  move({ from, share }: Setting, isNaive: boolean): number[] {
    const frames = this.frames().filter((pfn) => this.kernel.nidOf(pfn) === 1);
    if (frames.length === 0) return [];
    const first = Math.floor(from * (frames.length - 1));
    const chosen = frames.sort((a, b) => a - b).slice(first, first + Math.ceil(share * frames.length));
    const moves: Move[] = [];
    let at = 0;
    for (const { pfn, count } of takePieces(
      this.kernel,
      this.#task,
      along([0]),
      chosen.length,
      true,
      false,
    )) {
      for (let k = 0; k < count; k++, at++) {
        const last = moves.at(-1);
        const isNext = last && last.from + last.count === chosen[at] && last.to + last.count === pfn + k;
        if (isNext && !isNaive) last.count++;
        else moves.push({ from: chosen[at]!, to: pfn + k, count: 1 });
      }
    }
    const request = { mode: 'sync', reason: 'compaction' } as const;
    for (const part of isNaive ? moves.map((move) => [move]) : [moves]) {
      relocate(this.kernel, frameUses(this.kernel, part[0]!.from, spanOf(part)), part, request);
    }
    this.lab.world.stale.afterStep();
    return chosen;
  }

  frames(): number[] {
    return Array.from({ length: this.inode.sizePages }, (_, index) => this.inode.cache.get(index));
  }

  /** Everything that a move changes, page by page. */
  state(): unknown {
    const { kernel, vm, inode, outcomes } = this;
    const { world } = this.lab;
    const slot = vm.slots.get(0)!;
    const pages = Array.from({ length: inode.sizePages }, (_, index) => {
      const stale: number[] = [];
      vm.staleEntries.forEachFrame({ index, count: 1, stride: 1 }, (pfn) => stale.push(pfn));
      const pfn = inode.cache.get(index);
      const { inode: owner, dirty } = kernel.classes.get(kernel.frames.classOf(pfn));
      return [
        pfn,
        owner === inode,
        dirty,
        kernel.frames.mapCountOf(pfn),
        slot.mapped.has(index),
        ...stale,
      ].join(' ');
    });
    return {
      pages,
      outcomes,
      allocated: kernel.frames.size,
      free: kernel.zones.map((zone) => zone.freePages),
      counters: kernel.nodes.map((node) =>
        ['nr_file_pages', 'nr_unevictable', 'nr_mapped'].map((name) => node.counter(name as 'nr_mapped')),
      ),
      memcg: kernel.nodes.map((_, nid) => kernel.rootMemcg.own('file', nid)),
      rss: [...kernel.processes.values()].map(({ mm }) => mm?.rss),
      counts: world.view.counts,
      mapped: slot.mapped.size,
      stale: vm.staleEntries.size,
      findings: world.findings,
    };
  }
}

const spanOf = (moves: readonly Move[]): number => moves.at(-1)!.from + moves.at(-1)!.count - moves[0]!.from;

describe('a move of interleaved private memory', () => {
  const setting: fc.Arbitrary<Setting> = fc.record({
    pages: fc.oneof(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 500, max: 2500 })),
    nodes: fc.integer({ min: 1, max: 4 }),
    untouched: fc.constantFrom(2, 3, 7, 5000),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    share: fc.double({ min: 0.01, max: 1, noNaN: true }),
    refuses: fc.constantFrom(0, 0, 2, 3, 10, 100),
    zaps: fc.boolean(),
    accounting: fc.constantFrom(
      'tracker',
      'tdp-fault',
      'shadow-vma',
      'shadow-vma{ptes=tdp}',
      'shadow-vma+shadow-rmap{kvm-knows-shadow=true}',
    ),
    release: fc.constantFrom('6.12', '7.3'),
  });

  it('leaves what moving page by page leaves, before and after the guest comes back', () => {
    fc.assert(
      fc.property(setting, (drawn) => {
        const [guest, naive] = [new Guest(drawn), new Guest(drawn)];
        const before = guest.frames();
        const chosen = new Set(guest.move(drawn, false));
        naive.move(drawn, true);
        expect(guest.state()).toEqual(naive.state());
        const isMoved = (pfn: number, index: number): boolean =>
          chosen.has(pfn) && !(drawn.refuses > 0 && index % drawn.refuses === 0);
        const after = guest.frames().map((pfn) => guest.kernel.nidOf(pfn));
        expect(after).toEqual(
          before.map((pfn, index) => (isMoved(pfn, index) ? 0 : guest.kernel.nidOf(pfn))),
        );
        guest.touchAll();
        naive.touchAll();
        expect(guest.state()).toEqual(naive.state());
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('asks the file for a lane, not for pages', () => {
    for (const pages of [600, 6000]) {
      const drawn: Setting = {
        pages,
        nodes: 3,
        untouched: 10_000,
        from: 0,
        share: 1,
        refuses: 0,
        zaps: true,
        accounting: 'tracker',
        release: '6.12',
      };
      const guest = new Guest(drawn);
      const asked: PageLane[] = [];
      const { migrateFolio } = guest.kernel.hooks;
      guest.kernel.hooks.migrateFolio = (inode, lane, attempt) => {
        asked.push(lane);
        return migrateFolio(inode, lane, attempt);
      };
      guest.move(drawn, false);
      expect(asked.reduce((sum, { count }) => sum + count, 0)).toBe(pages / 3);
      expect(asked.every(({ stride }) => stride === 3)).toBe(true);
      expect(asked.length).toBeLessThan(4);
      expect([...guest.vm.slots.values()][0]!.mapped.pieces).toBeLessThan(8);
    }
  });
});
