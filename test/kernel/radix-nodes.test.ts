import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RadixNodes } from '../../src/kernel/radix-nodes.ts';

/** Node of an xarray that is built and torn down index by index, as lib/xarray.c does. */
interface XaNode {
  shift: number;
  slots: Map<number, XaNode | true>;
}

class NaiveXarray {
  head: XaNode | true | null = null;

  store(index: number): void {
    if (this.head === null) {
      if (index === 0) {
        this.head = true;
        return;
      }
      let shift = 0;
      while (Math.floor(index / 2 ** shift) >= 64) shift += 6;
      this.head = { shift, slots: new Map() };
    }
    while (index > this.#maxIndex()) {
      const shift: number = this.head === true ? 0 : (this.head as XaNode).shift + 6;
      this.head = { shift, slots: new Map([[0, this.head as XaNode | true]]) };
    }
    let node = this.head;
    while (node !== true && node !== null) {
      const offset: number = Math.floor(index / 2 ** node.shift) % 64;
      if (node.shift === 0) {
        node.slots.set(offset, true);
        return;
      }
      const below: XaNode | true = node.slots.get(offset) ?? { shift: node.shift - 6, slots: new Map() };
      node.slots.set(offset, below);
      node = below;
    }
  }

  erase(index: number): void {
    if (index > this.#maxIndex()) return;
    if (this.head === true) this.head = null;
    const path: { node: XaNode; offset: number }[] = [];
    let node: XaNode | true | null | undefined = this.head;
    while (node && node !== true) {
      const offset: number = Math.floor(index / 2 ** node.shift) % 64;
      path.push({ node, offset });
      node = node.slots.get(offset);
    }
    if (node !== true) return;
    for (;;) {
      const last = path.pop();
      if (!last) {
        this.head = null;
        return;
      }
      last.node.slots.delete(last.offset);
      if (last.node.slots.size > 0) break;
    }
    if (path.length === 0) this.#shrink();
  }

  count(): number {
    const below = (node: XaNode | true | null): number => {
      if (node === null || node === true) return 0;
      let n = 1;
      for (const child of node.slots.values()) n += below(child);
      return n;
    };
    return below(this.head);
  }

  #maxIndex(): number {
    if (this.head === null) return Infinity;
    return this.head === true ? 0 : 2 ** (this.head.shift + 6) - 1;
  }

  #shrink(): void {
    while (this.head && this.head !== true && this.head.slots.size === 1) {
      const entry: XaNode | true | undefined = this.head.slots.get(0);
      if (!entry || (entry === true && this.head.shift > 0)) return;
      this.head = entry;
    }
  }
}

const numbers = (from: number, length: number): number[] => Array.from({ length }, (_, i) => from + i);

const op = fc.record({
  on: fc.boolean(),
  start: fc.oneof(
    fc.constantFrom(0, 0, 1, 63, 64, 4095, 4096),
    fc.nat(5000),
    fc.constantFrom(262_143, 262_144),
  ),
  count: fc.constantFrom(1, 1, 2, 63, 64, 65, 300),
});

describe('RadixNodes of an xarray', () => {
  it('counts the nodes of a tree that is built index by index', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 25 }), (ops) => {
        const nodes = new RadixNodes({ bits: 6, levels: 9, grows: true });
        const naive = new NaiveXarray();
        const held = new Set<number>();
        for (const { on, start, count } of ops) {
          const before = naive.count();
          for (const i of numbers(start, count)) {
            if (on) naive.store(i);
            else naive.erase(i);
            if (on) held.add(i);
            else held.delete(i);
          }
          const isEmpty = (at: number, n: number): boolean => !numbers(at, n).some((i) => held.has(i));
          if (on) expect(nodes.add(start, count)).toBe(naive.count() - before);
          else expect(nodes.remove(start, count, isEmpty)).toBe(before - naive.count());
          expect(nodes.size).toBe(naive.count());
        }
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('keeps index 0 alone in its head, and starts over after clear()', () => {
    const nodes = new RadixNodes({ bits: 6, levels: 9, grows: true });
    expect(nodes.add(0, 1)).toBe(0);
    expect(nodes.add(1, 1)).toBe(1);
    expect(nodes.add(64, 1)).toBe(2);
    expect(nodes.clear()).toBe(3);
    expect(nodes.add(0, 1)).toBe(0);
    expect(nodes.clear()).toBe(0);
    // Nothing is at index 0 any more, so the path to it is not built.
    expect(nodes.add(4096, 1)).toBe(3);
  });

  it('needs 166441 nodes for the 10485760 pages of 40 GiB', () => {
    const nodes = new RadixNodes({ bits: 6, levels: 9, grows: true });
    expect(nodes.add(0, 10_485_760)).toBe(166_441);
  });
});

describe('RadixNodes of a page table', () => {
  it('counts the tables of all levels, whatever the height of the addresses', () => {
    const far = fc.record({
      on: fc.boolean(),
      start: fc.oneof(
        fc.nat(2000),
        fc.integer({ min: 2 ** 18 - 700, max: 2 ** 18 + 700 }),
        fc.constant(2 ** 30),
      ),
      count: fc.constantFrom(1, 2, 511, 512, 513, 1500),
    });
    fc.assert(
      fc.property(fc.array(far, { maxLength: 20 }), (ops) => {
        const nodes = new RadixNodes({ bits: 9, levels: 3, grows: false });
        const held = new Set<number>();
        for (const { on, start, count } of ops) {
          for (const i of numbers(start, count)) {
            if (on) held.add(i);
            else held.delete(i);
          }
          if (on) nodes.add(start, count);
          else {
            nodes.remove(start, count, (at, n) => {
              for (const i of held) if (i >= at && i < at + n) return false;
              return true;
            });
          }
          const tables = [9, 18, 27].map((bits) => new Set([...held].map((i) => Math.floor(i / 2 ** bits))));
          expect(nodes.size).toBe(tables.reduce((sum, level) => sum + level.size, 0));
        }
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it('needs 20522 second-level tables for 40 GiB, 20521 below the top level of a process', () => {
    const tdp = new RadixNodes({ bits: 9, levels: 4, grows: false });
    expect(tdp.add(0, 10_485_760)).toBe(20_480 + 40 + 1 + 1);
    const process = new RadixNodes({ bits: 9, levels: 3, grows: false });
    expect(process.add(0, 10_485_760)).toBe(20_521);
  });
});
