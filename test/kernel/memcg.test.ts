import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHARGE_BATCH, ChargeStock, Memcg } from '../../src/kernel/memcg.ts';
import { PAGE_SIZE } from '../../src/units/pages.ts';

/** `/`, `/a`, `/a/b`, `/a/c`, `/d`. */
function tree(): Memcg[] {
  let id = 1;
  const group = (path: string, parent: Memcg | null): Memcg =>
    new Memcg({ id: id++, path, parent, nodes: 2 });
  const root = group('/', null);
  const a = group('/a', root);
  return [root, a, group('/a/b', a), group('/a/c', a), group('/d', root)];
}

const isBelow = (group: Memcg, above: Memcg): boolean =>
  group === above || (group.parent !== null && isBelow(group.parent, above));

describe('charging', () => {
  const op = fc.record({
    kind: fc.constantFrom('charge', 'charge', 'charge', 'uncharge', 'limit', 'drain', 'try'),
    group: fc.nat(4),
    cpu: fc.nat(1),
    pages: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 200 })),
    max: fc.option(fc.integer({ min: 0, max: 1000 })),
  });

  it.each([1, 7])('agrees with a counter per page, with a stock of %i groups for each CPU', (slots) => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
        const groups = tree();
        const stocks = [0, 1].map(() => new ChargeStock({ slots }));
        const charged = groups.map(() => 0);
        const peak = groups.map(() => 0);
        /** Pages that are charged to a group or below it. */
        const below = (group: Memcg): number =>
          charged.reduce((sum, n, i) => (isBelow(groups[i]!, group) ? sum + n : sum), 0);
        for (const { kind, group: at, cpu, pages, max } of ops) {
          const group = groups[at]!;
          if (kind === 'charge') {
            const got = stocks[cpu]!.charge(group, pages);
            expect(got).toBeLessThanOrEqual(pages);
            // Short only where a limit leaves no room for one more page.
            if (got < pages) expect(group.overLimit(1)).not.toBeNull();
            if (at > 0) charged[at]! += got;
          } else if (kind === 'uncharge') {
            const n = Math.min(pages, charged[at]!);
            group.uncharge(n);
            charged[at]! -= n;
          } else if (kind === 'limit' && at > 0) {
            group.max = max === null ? null : max + group.usage;
          } else if (kind === 'try') {
            if (stocks[cpu]!.charge(group, 1) === 1) stocks[cpu]!.refund(group);
          } else if (kind === 'drain') stocks.forEach((stock) => stock.drain());
          groups.forEach((each, i) => {
            const stocked = each.usage - below(each);
            expect(stocked).toBeGreaterThanOrEqual(0);
            const groupsBelow = groups.filter((g) => isBelow(g, each)).length;
            const most = CHARGE_BATCH * stocks.length * Math.min(slots, groupsBelow);
            expect(stocked).toBeLessThanOrEqual(most);
            if (each.max !== null) expect(each.usage).toBeLessThanOrEqual(each.max);
            peak[i] = Math.max(peak[i]!, each.usage);
            expect(each.peak).toBeGreaterThanOrEqual(peak[i]!);
          });
        }
        stocks.forEach((stock) => stock.drain());
        expect(groups.map((group) => group.usage)).toEqual(groups.map(below));
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it('takes 64 pages from the counter for the first one, and gives the rest back for another group', () => {
    const [, a, b] = tree() as [Memcg, Memcg, Memcg];
    const one = new ChargeStock({ slots: 1 });
    one.charge(b, 1);
    expect([b.usage, a.usage]).toEqual([64, 64]);
    one.charge(b, 63);
    expect(b.usage).toBe(64);
    one.charge(b, 1);
    one.charge(a, 1);
    expect([b.usage, a.usage]).toEqual([65, 129]);
    const many = new ChargeStock({ slots: 7 });
    many.charge(b, 1);
    many.charge(a, 1);
    expect([b.usage, a.usage]).toEqual([65 + 64, 129 + 128]);
  });

  it('goes page by page below the limit of an ancestor', () => {
    const [, a, b] = tree() as [Memcg, Memcg, Memcg];
    a.max = 10;
    const stock = new ChargeStock({ slots: 1 });
    expect(stock.charge(b, 4)).toBe(4);
    expect([b.usage, b.overLimit(7)]).toEqual([4, a]);
    expect(stock.charge(b, 8)).toBe(6);
    expect(stock.charge(b, 1)).toBe(0);
    expect([b.overLimit(1), a.usage]).toEqual([a, 10]);
  });

  it('never charges the root group itself', () => {
    const [root] = tree() as [Memcg];
    expect(new ChargeStock({ slots: 1 }).charge(root, 1000)).toBe(1000);
    root.chargeBytes(5000);
    expect(root.usage).toBe(0);
  });

  it('throws when a charge is undone twice', () => {
    const [, a] = tree() as [Memcg, Memcg];
    a.charge(3);
    a.uncharge(3);
    expect(() => a.uncharge(1)).toThrow('memcg /a: usage would be -1');
    expect(() => a.add('file', 1, -1)).toThrow('file of node 1 would be -1');
  });
});

describe('kernel objects', () => {
  it('are charged by the byte, in whole pages', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20_000, max: 20_000 }), { maxLength: 30 }), (changes) => {
        const [root, a, b] = tree() as [Memcg, Memcg, Memcg];
        let bytes = 0;
        for (const change of changes) {
          if (bytes + change < 0) continue;
          bytes += change;
          b.chargeBytes(change);
          const pages = Math.ceil(bytes / PAGE_SIZE);
          expect([root.usage, a.usage, b.usage]).toEqual([pages, pages, pages]);
        }
      }),
      { numRuns: 30, seed: 1 },
    );
  });
});

describe('statistics', () => {
  it('are summed over the groups below', () => {
    const [root, a, b, c] = tree() as [Memcg, Memcg, Memcg, Memcg];
    a.add('file', 0, 1);
    b.add('file', 1, 10);
    c.add('file', 1, 100);
    expect([root.total('file'), a.total('file'), b.total('file')]).toEqual([
      [1, 110],
      [1, 110],
      [0, 10],
    ]);
    expect(a.own('file', 1)).toBe(0);
  });
});
