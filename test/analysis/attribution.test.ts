import { describe, expect, it } from 'vitest';
import { attribution } from '../../src/analysis/attribution.ts';
import { weakestLabel } from '../../src/analysis/labels.ts';
import type { AttributionRow } from '../../src/analysis/types.ts';
import { sampleProcess } from '../procfs/sample-facts.ts';
import { sampleResult, sampleRun, sampleWorld, trackedFd } from './fixture.ts';

const rowsOf = (rows: readonly AttributionRow[], id: string, subject: string): AttributionRow[] =>
  rows.filter((row) => row.interface === id && row.subject === subject);

describe('attribution', () => {
  const rows = attribution(sampleResult());

  it('puts the total before the nodes, with the error against the truth', () => {
    expect(
      rowsOf(rows, 'numa_maps', 'vmm').map((row) => [row.node, row.truthKb, row.reportedKb, row.errorKb]),
    ).toEqual([
      [null, 1800, 184, -1616],
      [0, 524, 108, -416],
      [1, 1276, 76, -1200],
    ]);
    expect(rowsOf(rows, 'rss', 'vmm')).toEqual([
      {
        strategy: 'page-cache',
        snapshot: 'booted',
        step: 7,
        interface: 'rss',
        subject: 'vmm',
        node: null,
        truthKb: 1800,
        reportedKb: 192,
        errorKb: -1608,
        fieldClass: 'stat',
        label: 'verified',
      },
    ]);
  });

  it('shows that one cgroup pays for another: too little here, too much there', () => {
    expect(rowsOf(rows, 'memory.current', '/a')[0]?.errorKb).toBe(-600);
    expect(rowsOf(rows, 'memory.current', '/b')[0]?.errorKb).toBe(600);
  });

  it('gives address space no error: it is no claim about memory', () => {
    const [row] = rowsOf(rows, 'vmsize', 'vmm');
    expect([row?.reportedKb, row?.errorKb]).toEqual([360, null]);
  });

  it('has one row per node for what nodes say', () => {
    const found = rows.filter((row) => row.interface === 'node-FilePages');
    expect(found.map((row) => [row.subject, row.node, row.errorKb])).toEqual([
      ['node0', 0, 0],
      ['node1', 1, 0],
    ]);
  });

  it('keeps a process that only the record knows, without an answer', () => {
    const world = sampleWorld();
    world.facts.processes = [];
    const [row, ...more] = rowsOf(
      attribution(sampleResult([sampleRun({ snapshots: [world] })])),
      'numa_maps',
      'vmm',
    );
    expect(row).toMatchObject({ node: null, truthKb: 1800, reportedKb: null, errorKb: null });
    expect(more).toEqual([]);
  });

  it('orders by strategy, snapshot, interface, subject', () => {
    const later = { ...sampleWorld(), label: 'later', step: 9 };
    const two = attribution(
      sampleResult([
        sampleRun({ name: 'z', snapshots: [sampleWorld(), later] }),
        sampleRun({ name: 'a', label: 'hypothetical' }),
      ]),
    );
    const blocks = two.map((row) => `${row.strategy} ${row.snapshot}`);
    expect([...new Set(blocks)]).toEqual(['z booted', 'z later', 'a booted']);
    expect(two).toHaveLength(rows.length * 3);
    expect([...new Set(rows.map((row) => row.interface))].slice(0, 3)).toEqual([
      'rss',
      'vmsize',
      'smaps-rss',
    ]);
    expect(rows.slice(0, 2).map((row) => row.subject)).toEqual(['vmm', 'helper']);
  });

  it('labels a row by the weaker of strategy and reading', () => {
    expect(rowsOf(rows, 'oom-badness', 'vmm')[0]?.label).toBe('derived');
    const design = attribution(sampleResult([sampleRun({ label: 'hypothetical' })]));
    expect(new Set(design.map((row) => row.label))).toEqual(new Set(['hypothetical']));
    expect(weakestLabel('derived', 'verified')).toBe('derived');
    expect(weakestLabel('derived', 'hypothetical')).toBe('hypothetical');
  });

  it('says whose text it cannot read', () => {
    const world = sampleWorld({ processes: [sampleProcess({ fds: [trackedFd({ gmem_pages: 'x' })] })] });
    expect(() => attribution(sampleResult([sampleRun({ name: 'mine', snapshots: [world] })]))).toThrow(
      'strategy mine, snapshot booted: tracker: fdinfo/9 of vmm: gmem_pages is "x"',
    );
  });

  it('has no rows for a strategy without snapshots', () => {
    expect(attribution(sampleResult([sampleRun({ snapshots: [] })]))).toEqual([]);
  });
});
