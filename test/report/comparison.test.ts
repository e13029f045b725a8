import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attribution } from '../../src/analysis/attribution.ts';
import { comparisonTables } from '../../src/report/comparison-html.ts';
import { comparisonTable } from '../../src/report/comparison-table.ts';
import type { ComparedField, Comparison } from '../../src/report/comparison-types.ts';
import { compareStrategies, UnknownReferenceError } from '../../src/report/comparison.ts';
import { COMPARISON_FORMATS, formatComparison } from '../../src/report/format-comparison.ts';
import { sampleResult, sampleRun, sampleWorld } from '../analysis/fixture.ts';
import { EIGHT, fixture } from '../charts/fixture.ts';

const eight = fixture();
const compared = compareStrategies(eight.result, eight.rows, { reference: 'page-cache' });

/** A status quo, a design that never got to the moment, and one that charges and shows everything right. */
function small(): Comparison {
  const right = sampleWorld();
  right.facts.processes[0]!.rssFilePages = 404;
  right.facts.cgroups[1]!.currentBytes = 450 * 4096;
  const result = sampleResult([
    sampleRun(),
    sampleRun({
      name: 'broken',
      label: 'hypothetical',
      snapshots: [],
      error: { step: 3, line: 14, message: 'no hook | here', part: 'broken' },
    }),
    sampleRun({ name: 'tdp-fault', label: 'hypothetical', snapshots: [right] }),
  ]);
  return compareStrategies(result, attribution(result), { reference: 'page-cache' });
}

const field = ({ fields }: Comparison, id: string, node: number | null = null): ComparedField =>
  fields.find((one) => one.field === id && one.node === node)!;

describe('the comparison', () => {
  it('has the truth first, and each field with class, label, error and difference', () => {
    const comparison = small();
    expect(comparison.fields[0]).toMatchObject({
      field: 'truth',
      scope: 'process',
      fieldClass: 'truth',
      cells: [
        { strategy: 'page-cache', label: 'derived', kb: 1800, differenceKb: 0 },
        { strategy: 'broken', label: 'hypothetical', kb: null, differenceKb: null },
        { strategy: 'tdp-fault', label: 'hypothetical', kb: 1800, differenceKb: 0 },
      ],
    });
    expect(field(comparison, 'rss').cells.map((cell) => [cell.kb, cell.errorKb, cell.differenceKb])).toEqual([
      [192, -1608, 0],
      [null, null, null],
      [1800, 0, 1608],
    ]);
    expect(field(comparison, 'numa_maps', 1).cells.map((cell) => [cell.kb, cell.errorKb])).toEqual([
      [76, -1200],
      [null, null],
      [76, -1200],
    ]);
    expect(field(comparison, 'oom-victim').cells.map((cell) => cell.text)).toEqual([
      'helper',
      null,
      'helper',
    ]);
    expect(field(comparison, 'charged-elsewhere').cells.map((cell) => cell.kb)).toEqual([600, null, 600]);
  });

  it('names the choices when the reference is unknown', () => {
    const compare = (): Comparison => compareStrategies(eight.result, eight.rows, { reference: 'fbindd' });
    expect(compare).toThrow(UnknownReferenceError);
    expect(compare).toThrow(`no strategy "fbindd" to compare with; there are: ${EIGHT.join(', ')}`);
  });

  it.each(COMPARISON_FORMATS)('shows a strategy that threw in %s', (format) => {
    const text = formatComparison(small(), format);
    expect(text).toMatch(/no hook \\?\| here/);
    expect(text).toMatch(format === 'json' ? /"step": 3/ : /step 3/);
  });

  it.each(COMPARISON_FORMATS)('keeps a strategy that threw in %s when nothing was seen at all', (format) => {
    const error = { step: 1, line: 2, message: 'nothing worked', part: 'x' };
    const result = sampleResult([sampleRun({ snapshots: [], error })]);
    expect(formatComparison(compareStrategies(result, []), format)).toContain('nothing worked');
  });

  it.each(COMPARISON_FORMATS)('gives each field class and label in %s', (format) => {
    const text = formatComparison(small(), format);
    for (const word of format === 'table'
      ? ['acct', 'stat', 'verified', '~ derived', 'hypoth.']
      : ['accounting', 'stat', 'verified', 'derived', 'hypothetical']) {
      expect(text).toContain(word);
    }
  });

  it.each([
    ['table', 'txt'],
    ['md', 'md'],
    ['csv', 'csv'],
  ] as const)('reads as before as %s', async (format, extension) => {
    await expect(formatComparison(small(), format, { nodes: format === 'table' })).toMatchFileSnapshot(
      `goldens/comparison.${extension}`,
    );
  });

  it('is plain JSON with exact kB', () => {
    expect(JSON.parse(formatComparison(compared, 'json'))).toEqual(compared);
  });

  it('is a set of tables for the HTML page', () => {
    const tables = comparisonTables(small());
    expect(tables.map((table) => table.title)).toEqual([
      'process vmm',
      'cgroup /a',
      'all nodes',
      'what follows',
    ]);
    expect(tables[0]!.header).toEqual([
      'Field',
      'Class',
      'page-cache (verified)',
      'broken (hypothetical, stopped at step 3)',
      'tdp-fault (hypothetical)',
    ]);
    expect(tables[0]!.rows.find(([name]) => name === 'VmRSS (top RES)')).toEqual([
      'VmRSS (top RES)',
      'stat',
      { text: '192 kB', note: '−1.6 MiB', tone: 'bad' },
      'no answer',
      { text: '1.8 MiB', note: '+1.6 MiB against the reference', tone: 'good' },
    ]);
  });
});

describe('the table', () => {
  const widthOf = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

  it('fits eight strategies beside each other in 120 columns, without colours', () => {
    const text = comparisonTable(compared);
    expect(widthOf(text)).toBeLessThanOrEqual(120);
    expect(text).not.toContain('\u001B');
    expect(text).not.toMatch(/[^\x20-\x7E\n]/);
    expect(text).not.toMatch(/ \n/);
    expect(text.split('\n').filter((line) => line.startsWith('  truth'))).toHaveLength(2);
  });

  it('marks what is too low, too high and on the wrong node', () => {
    const rows = eight.rows.map((row) =>
      row.interface === 'numa_maps' && row.node !== null && row.snapshot === 'faulted'
        ? { ...row, reportedKb: row.node === 1 ? 42_028_372 : 0 }
        : row,
    );
    const text = comparisonTable(compareStrategies(eight.result, rows));
    const line = (name: string): string => text.split('\n').find((one) => one.trim().startsWith(name))!;
    expect(line('VmRSS')).toMatch(/stat +<83\.3 MiB +40\.1 GiB/);
    expect(line('memory.current')).toMatch(/acct .*<83\.3 MiB +>60\.1 GiB/);
    expect(line('numa_maps')).toMatch(/!40\.1 GiB/);
    expect(line('OOM badness')).toMatch(/<83\.3 MiB~/);
  });

  it('shows exact kB, and every node, when asked to', () => {
    const text = comparisonTable(compared, { exact: true, nodes: true });
    expect(text).toMatch(/truth +42028372~/);
    expect(text).toMatch(/against page-cache +=  +\+41943040/);
    expect(text.match(/^ {4}N3 /gm)).toHaveLength(7);
  });

  it('puts further strategies into a further block, each with all lines', () => {
    const many = fixture({ strategies: [...EIGHT, 'fbind+tracker{oom=true,file=gmem_stat}+unmovable'] });
    const text = comparisonTable(compareStrategies(many.result, many.rows));
    expect(widthOf(text)).toBeLessThanOrEqual(120);
    expect(text.match(/^ {2}VmRSS/gm)).toHaveLength(2);
    expect(text).toMatch(/\n +fbind\n +\+tracker\n +\{oom=true,\n/);
  });

  it('never gets wider than asked, unless a single column is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 200 }), fc.integer({ min: 1, max: 8 }), (width, count) => {
        const input = fixture({ strategies: EIGHT.slice(0, count) });
        const [body] = comparisonTable(compareStrategies(input.result, input.rows), { width }).split(
          '\nverified: checked',
        );
        expect(widthOf(body!)).toBeLessThanOrEqual(width);
      }),
      { numRuns: 40 },
    );
  });
});
