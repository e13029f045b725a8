import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attribution } from '../../src/analysis/attribution.ts';
import { baselineEntries, baselineText, parseBaseline } from '../../src/report/baseline.ts';
import { compareBaseline, formatBaselineDiff, hasChanged } from '../../src/report/compare-baseline.ts';
import { sampleResult, sampleRun, sampleWorld } from '../analysis/fixture.ts';
import { arbitraryRow } from './rows.ts';

const rows = attribution(sampleResult());
const text = baselineText(rows);
const HEADER = text.split('\n').slice(0, 3).join('\n');
/** One snapshot and no label of the form that repeated labels get, so that no two rows have one key. */
const distinctRows = fc.uniqueArray(
  arbitraryRow.map((row) => ({ ...row, step: 1 })),
  { selector: (row) => JSON.stringify([row.strategy, row.snapshot, row.interface, row.subject, row.node]) },
);

describe('the baseline', () => {
  it('is a header and a sorted line per row', () => {
    expect(text.split('\n').slice(0, 8)).toEqual([
      '# gmemlab baseline 1',
      '# Whole kB, one row per line, sorted; reported is - where nothing is reported. Columns, separated by tabs:',
      '# strategy\tsnapshot\tinterface\tsubject\tnode\treported\ttruth',
      'page-cache\tbooted\tmemory.current\t/\ttotal\t-\t7820',
      'page-cache\tbooted\tmemory.current\t/a\ttotal\t1200\t1800',
      'page-cache\tbooted\tmemory.current\t/b\ttotal\t620\t20',
      'page-cache\tbooted\tmemory.numa_stat\t/\ttotal\t0\t7812',
      'page-cache\tbooted\tmemory.numa_stat\t/\t0\t0\t4516',
    ]);
    expect(text.split('\n')).toHaveLength(rows.length + 4);
  });

  it('depends on values, not on the order of rows', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), (shuffled) => {
        expect(baselineText(shuffled)).toBe(text);
      }),
    );
  });

  it('reads back as it was written, whatever the names', () => {
    fc.assert(
      fc.property(distinctRows, (some) => {
        const written = baselineText(some);
        expect(parseBaseline(written)).toEqual({ entries: baselineEntries(some), problems: [] });
        const diff = compareBaseline(written, some);
        expect([hasChanged(diff), diff.sameCount]).toEqual([false, some.length]);
      }),
    );
  });

  it('survives renumbered steps, and tells snapshots of one label apart', () => {
    const at = (...steps: number[]) =>
      attribution(
        sampleResult([sampleRun({ snapshots: steps.map((step) => ({ ...sampleWorld(), step })) })]),
      );
    const two = baselineText(at(7, 12));
    expect(baselineText(at(3, 400))).toBe(two);
    expect(two).toContain('page-cache\tbooted~2\trss\tvmm\ttotal\t192\t1800\n');
  });

  it('refuses two rows of one key', () => {
    expect(() => baselineText([...rows, rows[0]!])).toThrow('two rows for page-cache booted rss vmm total');
  });

  it('takes the line ends of Windows', () => {
    expect(hasChanged(compareBaseline(text.replaceAll('\n', '\r\n'), rows))).toBe(false);
  });
});

describe('a baseline that cannot be read', () => {
  it('is reported line by line, all at once', () => {
    const good = 'a\tb\trss\tvmm\ttotal\t4\t8';
    const lines = [
      HEADER,
      good,
      'a\tb\trss\tvmm\ttotal\t4',
      'a\tb\trss\tvmm\tN1\t4\t8',
      'a\tb\trss\tvmm\t1\tfour\t8',
      'a\tb\trss\tvmm\t1\t4\t-8',
      good,
      'a\\q\tb\trss\tvmm\t1\t4\t8',
    ];
    const diff = compareBaseline(lines.join('\n'), rows);
    expect(formatBaselineDiff(diff, 'ci/base.tsv')).toBe(
      [
        'ci/base.tsv:5:1: 6 fields, expected 7 separated by tabs: strategy, snapshot, interface, subject, node, reported, truth',
        'ci/base.tsv:6:1: node is "N1", expected total or a node number',
        'ci/base.tsv:7:1: reported is "four", expected whole kB or -',
        'ci/base.tsv:8:1: truth is "-8", expected whole kB',
        'ci/base.tsv:9:1: the same row as in line 4',
        'ci/base.tsv:10:1: "a\\q" has a backslash that escapes nothing',
        '',
      ].join('\n'),
    );
    expect([diff.changed, diff.missing, diff.added]).toEqual([[], [], []]);
  });

  it.each(['', 'some other file\n', text.replace('baseline 1', 'baseline 2')])(
    'is not taken for one: %j',
    (other) => {
      expect(compareBaseline(other, rows).problems[0]).toEqual({
        line: 1,
        message: 'expected "# gmemlab baseline 1"',
      });
    },
  );
});

describe('the difference from a baseline', () => {
  const isRss = (row: (typeof rows)[number]): boolean => row.interface === 'rss' && row.subject === 'vmm';

  it('lists what changed, what vanished and what is new', () => {
    const now = rows
      .filter((row) => row.interface !== 'pss' || row.subject !== 'helper')
      .map((row) => (isRss(row) ? { ...row, reportedKb: 1800, truthKb: 1804 } : row));
    now.push({ ...rows.find(isRss)!, strategy: 'tdp-fault', reportedKb: null });
    const diff = compareBaseline(text, now);
    expect(formatBaselineDiff(diff)).toBe(
      [
        'changed  page-cache booted rss vmm total: reported 192 kB -> 1800 kB (+1.6 MiB); truth 1800 kB -> 1804 kB (+4 kB)',
        'missing  page-cache booted pss helper total: was 0 kB, truth 20 kB',
        'added    tdp-fault booted rss vmm total: no answer, truth 1800 kB',
        `1 changed, 1 missing, 1 added, ${rows.length - 2} as in the baseline`,
        '',
      ].join('\n'),
    );
    expect(hasChanged(diff)).toBe(true);
  });

  it('sees an answer come and go, and a single kB', () => {
    const change = (reportedKb: number | null) => {
      const diff = compareBaseline(
        text,
        rows.map((row) => (isRss(row) ? { ...row, reportedKb } : row)),
      );
      return formatBaselineDiff(diff).split('\n')[0];
    };
    expect(change(null)).toBe('changed  page-cache booted rss vmm total: reported 192 kB -> no answer');
    expect(change(191)).toBe('changed  page-cache booted rss vmm total: reported 192 kB -> 191 kB (-1 kB)');
  });
});
