import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeline } from '../../src/analysis/timeline.ts';
import type { AttributionRow } from '../../src/analysis/types.ts';
import { attributionCsv, timelineCsv } from '../../src/report/csv.ts';
import { sampleResult, sampleRun } from '../analysis/fixture.ts';
import { fixture } from '../charts/fixture.ts';
import { arbitraryRow } from './rows.ts';

/** RFC 4180, as strict as it gets. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\n\r]*))(,|\n)/gy;
  let row: string[] = [];
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) throw new Error(`no CSV after ${rows.length} lines`);
    row.push(match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'));
    if (match[3] === '\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

const stopped = sampleRun({
  name: 'mine',
  label: 'hypothetical',
  snapshots: [],
  error: { step: 3, line: 14, message: 'said "no", twice', part: 'my-part' },
});

describe('attribution.csv', () => {
  it('has a header and a line per row', () => {
    const { result, rows } = fixture({ strategies: ['tracker'], nodes: 2 });
    const lines = attributionCsv(result, rows).split('\n');
    expect(lines[0]).toBe(
      'strategy,snapshot,step,interface,subject,node,truth_kb,reported_kb,error_kb,class,label,note',
    );
    expect(lines[1]).toBe('tracker,booted,4,rss,vmm,,85332,85332,0,stat,hypothetical,');
    expect(lines).toContain('tracker,faulted,8,numa_maps,vmm,1,20971520,0,-20971520,stat,hypothetical,');
    expect(lines).toHaveLength(rows.length + 2);
  });

  it('gives back whatever was put into it', () => {
    fc.assert(
      fc.property(fc.array(arbitraryRow), (rows) => {
        const [, ...lines] = parseCsv(attributionCsv(sampleResult(), rows));
        const text = (value: string | number | null): string => (value === null ? '' : String(value));
        expect(lines).toEqual(
          rows.map((row: AttributionRow) => [
            row.strategy,
            row.snapshot,
            text(row.step),
            row.interface,
            row.subject,
            text(row.node),
            text(row.truthKb),
            text(row.reportedKb),
            text(row.errorKb),
            row.fieldClass,
            row.label,
            '',
          ]),
        );
      }),
    );
  });

  it('has a line for a strategy that threw', () => {
    expect(attributionCsv(sampleResult([stopped]), []).split('\n')[1]).toBe(
      'mine,,3,error,my-part,,,,,,hypothetical,"step 3, line 14: said ""no"", twice"',
    );
  });
});

describe('timeline.csv', () => {
  it('has a line per number, and one for a strategy that threw', () => {
    const { result, rows } = fixture({ strategies: ['page-cache'] });
    result.strategies.push(stopped);
    const lines = timelineCsv(result, timeline(result, rows)).split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'strategy,snapshot,step,metric,subject,kb,class,label,note',
      'page-cache,booted,4,truth,vmm,85332,truth,derived,',
      'page-cache,booted,4,truth-private,vmm,0,truth,derived,',
    ]);
    expect(lines).toContain(
      'page-cache,faulted,8,memory.current,/machine.slice/vmm-1,42028372,accounting,verified,',
    );
    expect(lines.at(-2)).toBe('mine,,3,error,my-part,,,hypothetical,"step 3, line 14: said ""no"", twice"');
  });
});
