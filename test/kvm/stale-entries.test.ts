import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guestAccess } from '../../src/kvm/page-fault.ts';
import type { StaleEntries } from '../../src/kvm/stale-entries.ts';
import { StaleTable } from '../../src/kvm/stale-table.ts';
import type { Vm } from '../../src/kvm/vm.ts';
import type { Lane } from '../../src/units/lanes.ts';
import { Lab, pages } from '../simulation/lab.ts';

const gfnsOf = ({ index, count, stride }: Lane): number[] =>
  Array.from({ length: count }, (_, k) => index + k * stride);

describe('StaleTable', () => {
  const lane = fc.record({
    index: fc.nat(1500),
    count: fc.integer({ min: 1, max: 900 }),
    stride: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 9 })),
  });
  const change = fc.record({ lane, isAdded: fc.boolean(), pfn: fc.nat(1e6), step: fc.constantFrom(1, 1, 2) });

  it('behaves as a map of single entries does, the first one staying', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 10 }), lane, (changes, asked) => {
        const table = new StaleTable();
        const model = new Map<number, number>();
        for (const { lane: changed, isAdded, pfn, step } of changes) {
          if (isAdded) {
            const fresh = gfnsOf(changed).filter((gfn) => !model.has(gfn));
            const added = table.add({ ...changed, pfn, step }).flatMap(gfnsOf);
            expect(added.sort((a, b) => a - b)).toEqual(fresh);
            gfnsOf(changed).forEach((gfn, k) => {
              if (!model.has(gfn)) model.set(gfn, pfn + k * step);
            });
          } else {
            table.remove(changed);
            for (const gfn of gfnsOf(changed)) model.delete(gfn);
          }
          expect(table.size).toBe(model.size);
        }
        const frames: number[] = [];
        table.forEachFrame(asked, (pfn, count) => {
          for (let k = 0; k < count; k++) frames.push(pfn + k);
        });
        const expected = gfnsOf(asked).flatMap((gfn) => model.get(gfn) ?? []);
        expect(frames.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
        const inRange = gfnsOf({ ...asked, stride: 1 }).filter((gfn) => model.has(gfn));
        expect(table.countIn(asked.index, asked.count)).toBe(inRange.length);
      }),
      { numRuns: 150 },
    );
  });
});

describe('pages that leave their frames behind the back of KVM', () => {
  /** Pages 10 to 109 of a file of 150 in a slot from guest frame 1000 on, of which the first 60 are touched. */
  function guest(): { lab: Lab; vm: Vm; seen: StaleEntries[] } {
    const lab = new Lab();
    lab.do('vm create', { type: 'swprot' });
    lab.do('gmem create', { name: 'g', bytes: pages(150), flags: 0 });
    const [gpa, bytes] = [pages(1000), pages(100)];
    lab.do('vm slot', { slot: 3, gpa, bytes, object: null, offset: 0, gmem: 'g', gmemOffset: pages(10) });
    lab.do('vm attr', { gpa, bytes, to: 'private' });
    lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: pages(150) });
    const [vm] = [...lab.world.kvm.vms];
    guestAccess(lab.world.kvm, vm!, lab.world.workers.get('w0')!.task, 1000, 60, 'private');
    const seen: StaleEntries[] = [];
    lab.world.kvm.onStaleEntries = (stale) => void seen.push(stale);
    return { lab, vm: vm!, seen };
  }

  const left = ({ lab, vm }: ReturnType<typeof guest>, lane: Lane, pfn: number): void => {
    const inode = [...lab.world.kvm.vmOfGmem].find(([, one]) => one === vm)![0];
    lab.world.kernel.gmemLeftFrames({ inode, pfn, ...lane });
  };
  const framesAt = (vm: Vm, index: number): number[] => {
    const found: number[] = [];
    vm.staleEntries.forEachFrame({ index, count: 1, stride: 1 }, (pfn) => found.push(pfn));
    return found;
  };

  it('leave stale what the slot has and the guest has touched, as guest frames', () => {
    const made = guest();
    left(made, { index: 1, count: 49, stride: 3 }, 7000);
    // Pages 10 to 69 of 1, 4, … 145: frames 7003 to 7022.
    expect(made.vm.staleEntries.size).toBe(20);
    expect(made.seen.map(({ slot }) => slot.id)).toEqual([3]);
    expect(made.seen[0]!.gfns.flatMap(gfnsOf)).toEqual(gfnsOf({ index: 1000, count: 20, stride: 3 }));
    expect([framesAt(made.vm, 1000), framesAt(made.vm, 1001), framesAt(made.vm, 1057)]).toEqual([
      [7003],
      [],
      [7022],
    ]);
  });

  it('stay what they are when the page moves again, until they are zapped', () => {
    const made = guest();
    left(made, { index: 10, count: 5, stride: 2 }, 7000);
    left(made, { index: 10, count: 10, stride: 1 }, 9000);
    expect([1000, 1001, 1002].map((gfn) => framesAt(made.vm, gfn))).toEqual([[7000], [9001], [7001]]);
    expect(made.seen.map(({ gfns }) => gfns.reduce((sum, { count }) => sum + count, 0))).toEqual([5, 5]);
    made.lab.do('vm attr', { gpa: pages(1000), bytes: pages(2), to: 'shared' });
    expect(made.vm.staleEntries.size).toBe(8);
    expect(framesAt(made.vm, 1002)).toEqual([7001]);
  });

  it('concern nobody where the guest has touched nothing', () => {
    const made = guest();
    left(made, { index: 70, count: 40, stride: 2 }, 7000);
    expect([made.vm.staleEntries.size, made.seen]).toEqual([0, []]);
  });
});
