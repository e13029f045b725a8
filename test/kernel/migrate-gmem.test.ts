import { describe, expect, it } from 'vitest';
import type { GmemMigration, GmemStretch } from '../../src/kernel/gmem-stretch.ts';
import type { Inode } from '../../src/kernel/inode.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import type { Move } from '../../src/kernel/migrate.ts';
import { admitMoves, gmemMoved } from '../../src/kernel/migrate-gmem.ts';
import type { MigrateAnswer, MigrateAttempt } from '../../src/units/migration.ts';
import type { PageLane } from '../../src/units/page-runs.ts';
import { Lab, pages } from '../simulation/lab.ts';

const REQUEST = { mode: 'sync', reason: 'memory-hotplug' } as const;

interface Made {
  kernel: Kernel;
  inode: Inode;
  asked: { lane: readonly number[]; attempt: MigrateAttempt }[];
  outcomes: GmemMigration[];
  put: [number, number][];
  admit: (stretches: readonly GmemStretch[], moves: readonly Move[]) => Move[];
}

/** A gmem of 91 pages, interleaved over nodes 1 and 3, whose migrate_folio gives these answers. */
function file(answer: (pages: PageLane, attempt: MigrateAttempt) => MigrateAnswer): Made {
  const lab = new Lab();
  lab.do('vm create', { type: 'swprot' });
  lab.do('gmem create', { name: 'f', bytes: pages(91), flags: 0 });
  lab.do('mempolicy', { mode: 'interleave', flags: [], nodes: [1, 3] });
  lab.do('fallocate', { kind: 'gmem', name: 'f', offset: 0, bytes: pages(91) });
  const { kernel } = lab.world;
  const made: Omit<Made, 'admit'> = {
    kernel,
    inode: [...kernel.inodes].find(({ kind }) => kind === 'gmem')!,
    asked: [],
    outcomes: [],
    put: [],
  };
  kernel.gmemMigrated = (outcome) => void made.outcomes.push(outcome);
  kernel.hooks = {
    ...kernel.hooks,
    migrateFolio: (_inode, lane, attempt) => {
      made.asked.push({ lane: [lane.index, lane.count, lane.stride], attempt });
      return answer(lane, attempt);
    },
  };
  const put = (pfn: number, count: number): void => void made.put.push([pfn, count]);
  return { ...made, admit: (stretches, moves) => admitMoves(kernel, stretches, moves, REQUEST, put) };
}

const stretch = ({ inode }: Made, index: number, count: number, stride: number): GmemStretch => ({
  inode,
  pfn: inode.cache.get(index),
  count,
  index,
  stride,
});

describe('admitMoves', () => {
  it('lets all of a lane go that the file agrees to, and asks once', () => {
    const made = file((lane) => ({ errno: 0, count: lane.count }));
    const lane = stretch(made, 1, 45, 2);
    const moves = [{ from: lane.pfn, to: 500, count: 45 }];
    expect(made.admit([lane], moves)).toEqual(moves);
    expect(made.asked).toEqual([{ lane: [1, 45, 2], attempt: { ...REQUEST, pass: 0, folioPages: 1 } }]);
    expect(made.outcomes).toEqual([
      { inode: made.inode, reason: 'memory-hotplug', moved: 45, failed: 0, errno: 0 },
    ]);
    expect(made.put).toEqual([]);
  });

  it('splits moves where the answers differ, and puts back the targets of what stays', () => {
    // Pages 21 to 31 of 1, 3, 5, …: the 10th to the 15th.
    const made = file(({ index, count }) => {
      if (index < 21) return { errno: 0, count: (21 - index) / 2 };
      if (index < 33) return { errno: 'EIO', count: Math.min(4, (33 - index) / 2) };
      return { errno: 0, count };
    });
    const lane = stretch(made, 1, 45, 2);
    const first = lane.pfn;
    const moves = [
      { from: first, to: 500, count: 12 },
      { from: first + 12, to: 900, count: 33 },
    ];
    expect(made.admit([lane], moves)).toEqual([
      { from: first, to: 500, count: 10 },
      { from: first + 16, to: 904, count: 29 },
    ]);
    expect(made.put).toEqual([
      [510, 2],
      [900, 4],
    ]);
    expect(made.outcomes).toMatchObject([{ moved: 39, failed: 6, errno: 'EIO' }]);
    expect(made.asked.map(({ lane: asked }) => asked)).toEqual([
      [1, 45, 2],
      [21, 35, 2],
      [29, 31, 2],
      [33, 29, 2],
    ]);
  });

  it('comes back ten times to a page that says EAGAIN', () => {
    for (const busy of [3, 10]) {
      const made = file(({ count }, { pass }) => ({ errno: pass < busy ? 'EAGAIN' : 0, count }));
      const lane = stretch(made, 0, 7, 2);
      const kept = made.admit([lane], [{ from: lane.pfn, to: 500, count: 7 }]);
      expect(made.asked.map(({ attempt }) => attempt.pass)).toEqual(
        Array.from({ length: Math.min(10, busy + 1) }, (_, pass) => pass),
      );
      expect([kept.length, made.put, made.outcomes[0]!.errno]).toEqual(
        busy < 10 ? [1, [], 0] : [0, [[500, 7]], 'EAGAIN'],
      );
    }
  });

  it('leaves the moves of other memory alone', () => {
    const made = file(({ count }) => ({ errno: 'EIO', count }));
    const lane = stretch(made, 3, 5, 2);
    const other = { from: lane.pfn + 5, to: 700, count: 9 };
    expect(made.admit([lane], [{ from: lane.pfn, to: 500, count: 5 }, other])).toEqual([other]);
  });
});

describe('gmemMoved', () => {
  it('tells which pages left which frames for each move that touches the stretch, and how many changed nodes', () => {
    const made = file(({ count }) => ({ errno: 0, count }));
    const { kernel } = made;
    const lane = stretch(made, 0, 40, 2);
    const [home, away] = [kernel.nidOf(lane.pfn), kernel.nodes[0]!.zones[0]!.startPfn];
    const left: number[][] = [];
    const told: unknown[] = [];
    kernel.gmemLeftFrames = ({ pfn, index, count, stride }) => void left.push([pfn, index, count, stride]);
    kernel.hooks.folioMoved = (_inode, { total }, from, to) => void told.push([total, from[home], to[0]]);
    gmemMoved(kernel, lane, [
      { from: lane.pfn - 9, to: away, count: 4 },
      { from: lane.pfn - 5, to: away + 50, count: 8 },
      { from: lane.pfn + 20, to: away + 70, count: 100 },
      { from: lane.pfn + 120, to: away + 300, count: 7 },
    ]);
    expect(left).toEqual([
      [lane.pfn, 0, 3, 2],
      [lane.pfn + 20, 40, 20, 2],
    ]);
    expect(told).toEqual([
      [3, 3, 3],
      [20, 20, 20],
    ]);
  });
});
