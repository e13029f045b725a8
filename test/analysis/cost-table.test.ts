import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { operationRows, structureRows } from '../../src/analysis/cost-rows.ts';
import { bytesOf, COST_TABLE } from '../../src/analysis/cost-table.ts';
import { XARRAY_NODE_BYTES } from '../../src/kernel/slab.ts';
import type { StrategyRun } from '../../src/result/types.ts';
import { fourNodes, GiB } from '../simulation/lab.ts';
import { play } from '../simulation/play.ts';

const read = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../datasets/${path}`, import.meta.url), 'utf8'));

describe('the cost table', () => {
  it('is what its schema says, and every price has a source', () => {
    const validate = new Ajv2020({ strict: true, allErrors: true }).compile(
      read('schema/costs.schema.json') as object,
    );
    expect(validate(read('costs.json')) ? [] : validate.errors).toEqual([]);
    const broken = read('costs.json') as { structures: { source?: string }[] };
    delete broken.structures[0]!.source;
    expect(validate(broken)).toBe(false);
  });

  it('names everything once', () => {
    const names = [
      ...COST_TABLE.structures.map(({ id }) => id),
      ...COST_TABLE.operations.map(({ name }) => name),
    ];
    expect(new Set(names).size).toBe(names.length);
  });

  it('agrees with the sizes that the model charges', () => {
    expect(bytesOf('page-cache-node', '6.12')).toBe(XARRAY_NODE_BYTES);
    expect(bytesOf('vma', '6.12')).toBe(216);
    expect(bytesOf('vma', '7.3')).toBe(192);
    expect(bytesOf('what a part made up', '6.12')).toBeNull();
  });
});

/** A guest of some GiB that boots, on machines of other sizes than the published tables are for. */
const booted = (strategy: string, gib: number, kernel: '6.12' | '7.3' = '6.12', more = ''): StrategyRun =>
  play(
    strategy,
    `vm create snp
gmem create g ${gib}G
vm slot 0 0 ${gib}G none 0 g 0
gmem policy g 0 ${gib}G bind 1
vm attr 0 ${gib}G private
vm touch 0 ${gib}G
${more}
snapshot booted`,
    { kernel, machine: fourNodes(16 * GiB) },
  ).run;

const structures = (run: StrategyRun): Record<string, number> => run.snapshots.at(-1)!.truth.structures!;
const GIB_PAGES = 262_144;

describe('what a guest costs', () => {
  it.each([1, 3, 10])('in every world, for %i GiB', (gib) => {
    const pages = gib * GIB_PAGES;
    const leaves = pages / 64;
    const nodes = leaves + leaves / 64 + Math.ceil(leaves / 4096) + (gib > 1 ? 1 : 0);
    const run = booted('page-cache', gib);
    expect(structures(run)).toEqual({
      'struct-page': pages,
      'page-cache-node': nodes,
      'attribute-node': nodes,
      'tdp-table': pages / 512 + gib + 2,
      'tdp-table-header': pages / 512 + gib + 2,
      'lpage-info': pages / 512 + gib,
    });
    expect(run.counts).toMatchObject({
      'page cache insert': pages,
      'second-level fault': pages,
      'attribute change': 1,
      'memslot change': 1,
    });
  });

  it.each(['shadow-vma', 'shadow-vma{ptes=tdp}'])('under %s: tables and entries of its own', (strategy) => {
    const run = booted(strategy, 2);
    const { vma, 'host-table': tables } = structures(run);
    expect(vma).toBe(1);
    expect(tables! - (2 * GIB_PAGES) / 512).toBeGreaterThanOrEqual(3);
    expect(tables! - (2 * GIB_PAGES) / 512).toBeLessThanOrEqual(5);
    expect(run.counts['host page-table entry installed']).toBe(2 * GIB_PAGES);
  });

  it('under shadow-vma with a VMA for each range: as many as conversions leave', () => {
    const conversions = Array.from({ length: 20 }, (_, i) => `vm convert ${2 * i + 1}p 1p shared`).join('\n');
    const run = booted('shadow-vma{per=range}', 1, '6.12', conversions);
    expect(structures(run)['vma']).toBe(21);
    expect(run.counts['mmap_lock for write']).toBe(1 + 1 + 20);
    // Each hole in the file finds the VMAs that map it.
    expect(run.counts['attribute change']).toBe(21);
  });

  it('by how much is punched and zapped again', () => {
    const run = booted('shadow-vma', 1, '6.12', 'gmem punch g 256M 256M');
    expect(run.counts).toMatchObject({
      'page cache remove': GIB_PAGES / 4,
      'second-level entry removed': GIB_PAGES / 4,
      'host page-table entry removed': GIB_PAGES / 4,
      'rmap walk to a VMA of private memory': 1,
    });
    expect(structures(run)['struct-page']).toBe((3 * GIB_PAGES) / 4);
  });

  it.each([
    ['fbind', '6.12', { 'policy-range': 1, mempolicy: 1 }],
    ['upstream', '7.3', { 'policy-range': 1, mempolicy: 1, vma: 1 }],
    ['tracker', '6.12', { 'node-counter': 4 }],
    ['alloc-charge{owner=current}', '6.12', { 'owner-id': GIB_PAGES }],
  ] as const)('under %s: what the design keeps', (strategy, kernel, kept) => {
    const run = booted(strategy, 1, kernel);
    const own = structureRows(run.snapshots.at(-1)!, kernel).filter(({ by }) => by === 'design');
    expect(Object.fromEntries(own.map(({ structure, count }) => [structure, count]))).toEqual(kept);
    for (const { structure, count, bytes } of own) expect(bytes).toBe(bytesOf(structure, kernel)! * count);
  });

  it('takes locks once for each operation, or for each batch that was begun', () => {
    const rows = operationRows({
      counts: { 'RSS counter update': 65, 'page cache insert': 62, 'made up': 3 },
    });
    expect(rows).toEqual([
      {
        operation: 'page cache insert',
        count: 62,
        by: 'kernel',
        locks: [
          { lock: 'i_pages lock of the file', count: 62 },
          { lock: 'lruvec lock', count: 2 },
          { lock: 'page counters of the memcg', count: 1 },
        ],
        ns: 62 * 680,
      },
      {
        operation: 'RSS counter update',
        count: 65,
        by: 'design',
        locks: [{ lock: 'percpu_counter lock', count: 3 }],
        ns: null,
      },
      { operation: 'made up', count: 3, by: 'design', locks: [], ns: null },
    ]);
  });
});
