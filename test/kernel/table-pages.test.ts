import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { Memcg } from '../../src/kernel/memcg.ts';
import { PageStack } from '../../src/kernel/page-stack.ts';
import { RadixNodes } from '../../src/kernel/radix-nodes.ts';
import { TablePages } from '../../src/kernel/table-pages.ts';
import { Lab, MiB } from '../simulation/lab.ts';

const groups = [1, 2].map((id) => new Memcg({ id, path: `/${id}`, parent: null, nodes: 2 }));
const AT = 0x7000_0000_0000;

/** Frame n is on node n modulo 2. */
const kernel = { nidOf: (pfn: number) => pfn % 2 } as Kernel;

interface HeldPages {
  count: number;
  period: number;
  lanes: readonly number[];
  memcg: Memcg;
}

const each = ({ count, period, lanes, memcg }: HeldPages): string[] =>
  Array.from({ length: count }, (_, k) => `${lanes[k % period]! + Math.floor(k / period)} ${memcg.path}`);

describe('TablePages', () => {
  it('gives back the pages of the tables that go, whenever they came, as a table by table model does', () => {
    const op = fc.record({
      adds: fc.boolean(),
      from: fc.nat(6 * 512),
      pages: fc.integer({ min: 1, max: 4 * 512 }),
      interleaves: fc.boolean(),
      group: fc.nat(1),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 30 }), (ops) => {
        const tables = new RadixNodes({ bits: 9, levels: 3, grows: false, hasPages: true });
        const held = new TablePages(tables);
        held.hold(kernel, { count: 1, period: 1, lanes: [1] }, groups[0]!);
        const naive = new Map<string, string>();
        const used = new Set<number>();
        let next = 1000;
        for (const { adds, from, pages, interleaves, group } of ops) {
          if (adds) {
            const n = tables.add(from, pages);
            for (let page = from; page < from + pages; page++) used.add(page);
            if (n === 0) continue;
            const period = interleaves ? Math.min(n, 2) : 1;
            const run = { count: n, period, lanes: [next, next + n + 1].slice(0, period) };
            const frames = each({ ...run, memcg: groups[group]! });
            next += 3 * n + 2;
            for (const level of [2, 1, 0]) {
              const span = 512 ** (level + 1);
              for (let at = Math.floor(from / span); at * span < from + pages; at++) {
                if (!naive.has(`${level} ${at}`)) naive.set(`${level} ${at}`, frames.shift()!);
              }
            }
            held.hold(kernel, run, groups[group]!);
          } else {
            for (let page = from; page < from + pages; page++) used.delete(page);
            const isEmpty = (at: number, n: number): boolean =>
              ![...used].some((page) => page >= at && page < at + n);
            const n = tables.remove(from, pages, isEmpty);
            const expected: string[] = [];
            for (const [key, frame] of naive) {
              const [level, at] = key.split(' ').map(Number);
              const span = 512 ** (level! + 1);
              if (at! * span >= from + pages || (at! + 1) * span <= from || !isEmpty(at! * span, span))
                continue;
              expected.push(frame);
              naive.delete(key);
            }
            expect(held.release(n).flatMap(each).sort()).toEqual(expected.sort());
          }
          expect(held.count).toBe(naive.size + 1);
          expect(held.lotsIn(kernel).reduce((sum, lot) => sum + lot.count, 0)).toBe(held.count);
        }
        tables.clear();
        expect(held.release(held.count).flatMap(each).sort()).toEqual([...naive.values(), '1 /1'].sort());
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});

describe('PageStack', () => {
  it('gives the newest first, one by one, so that interleaved pages leave their nodes in turns', () => {
    const stack = new PageStack();
    stack.hold(kernel, { count: 8, period: 2, lanes: [10, 21] }, groups[0]!);
    const nodes = stack.release(5).flatMap(({ count, period, lanes }) => {
      expect([...lanes].every((pfn) => pfn >= 10)).toBe(true);
      return Array.from({ length: count }, (_, k) => (lanes[k % period]! >= 21 ? 1 : 0));
    });
    expect(nodes).toEqual([1, 0, 1, 0, 1]);
    expect(() => stack.release(4)).toThrow('4 pages taken from a stack of 3');
    expect(stack.lotsIn(kernel).map(({ pfn, count }) => [pfn, count])).toEqual([
      [10, 2],
      [21, 1],
    ]);
  });
});

describe('page tables of an unmapped range', () => {
  const range = (name: string, bytes: number) => ({ name, offset: 0, bytes, write: true, random: null });
  const map = (name: string, at: number) => ({
    name,
    bytes: 16 * MiB,
    shared: false,
    hugetlb: false,
    noreserve: false,
    at,
  });
  const tables = (lab: Lab): number[] =>
    lab.world.kernel.nodes.map((node) => node.counter('nr_page_table_pages'));

  it('go from the nodes of their allocation, not from those of newer ones', () => {
    const lab = new Lab();
    lab.do('anon map', map('old', AT));
    const before = tables(lab);
    lab.do('mempolicy', { mode: 'bind', flags: [], nodes: [3] });
    lab.do('touch', range('old', 16 * MiB));
    lab.do('mempolicy', { mode: 'default', flags: [], nodes: [] });
    lab.do('anon map', map('new', AT + 64 * MiB));
    lab.do('touch', range('new', 8 * MiB));
    const both = tables(lab).map((count, nid) => count - before[nid]!);
    expect(both).toEqual([4, 0, 0, 10]);
    lab.do('unmap', { kind: 'anon', name: 'old', range: null });
    // The two upper tables span the other mapping, too.
    expect(tables(lab).map((count, nid) => count - before[nid]!)).toEqual([4, 0, 0, 2]);
  });
});
