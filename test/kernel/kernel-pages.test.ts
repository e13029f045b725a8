import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KernelLot, KernelPages, NO_FRAME } from '../../src/kernel/kernel-pages.ts';
import { Memcg } from '../../src/kernel/memcg.ts';

const groups = [1, 2].map((id) => new Memcg({ id, path: `/${id}`, parent: null, nodes: 2 }));

describe('KernelPages', () => {
  it('gives back the newest first, each frame with who paid for it, frame 0 like any other', () => {
    const op = fc.record({
      takes: fc.boolean(),
      count: fc.integer({ min: 1, max: 5 }),
      gap: fc.nat(1),
      group: fc.nat(1),
      hasFrame: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 30 }), (ops) => {
        const held = new KernelPages();
        const naive: { pfn: number; path: string }[] = [];
        let next = 0;
        for (const { takes, count, gap, group, hasFrame } of ops) {
          if (takes) {
            const n = Math.min(count, naive.length);
            const expected = naive.splice(naive.length - n);
            const got = held.pop(n).flatMap((lot) => each(lot).reverse());
            expect(got.reverse()).toEqual(expected);
          } else {
            const pfn = hasFrame ? next + gap : NO_FRAME;
            const lot = { pfn, count, nid: 0, memcg: groups[group]! };
            if (hasFrame) next = pfn + count;
            held.push({ ...lot });
            naive.push(...each(lot));
          }
          expect(held.count).toBe(naive.length);
        }
        expect(() => held.pop(naive.length + 1)).toThrow('more kernel objects freed than held');
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});

/** The frames of a lot one by one. */
function each({ pfn, count, memcg }: KernelLot): { pfn: number; path: string }[] {
  return Array.from({ length: count }, (_, i) => ({
    pfn: pfn === NO_FRAME ? NO_FRAME : pfn + i,
    path: memcg.path,
  }));
}
