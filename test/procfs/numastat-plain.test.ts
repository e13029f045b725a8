import fc from 'fast-check';
import { expect, it } from 'vitest';
import { numastatPlainOf, parseNumastatPlain, renderNumastatPlain } from '../../src/procfs/numastat-plain.ts';

const node = (nid: number, hit: number): Parameters<typeof numastatPlainOf>[0][number] => ({
  nid,
  events: {
    numa_hit: hit,
    numa_miss: 0,
    numa_foreign: 0,
    interleave_hit: 261,
    local_node: hit,
    other_node: 0,
  },
});

it('prints columns of 16 characters as the tool does', () => {
  expect(
    renderNumastatPlain(numastatPlainOf([node(0, 4344), node(2, 2072)]))
      .split('\n')
      .slice(0, 3),
  ).toEqual([
    '                           node0           node2',
    'numa_hit                    4344            2072',
    'numa_miss                      0               0',
  ]);
});

it('reads what it prints', () => {
  const nodes = fc.uniqueArray(fc.nat(1000), { minLength: 1 });
  fc.assert(
    fc.property(nodes, fc.nat(), (nids, hit) => {
      const table = numastatPlainOf(nids.map((nid) => node(nid, hit)));
      expect(parseNumastatPlain(renderNumastatPlain(table))).toEqual(table);
    }),
  );
});

it.each([
  ['node0\n', 'numastat line 1: expected a column per node'],
  ['                           node0\nnuma_hit 1 2\n', 'numastat line 2: expected 1 values'],
  [
    '                           node0\nnuma_hit x\n',
    'numastat line 2: expected a name and a number per node',
  ],
])('refuses %j', (text, message) => {
  expect(() => parseNumastatPlain(text)).toThrow(message);
});
