import { describe, expect, it } from 'vitest';
import { fixture } from './fixture.ts';
import { parseNodeMeminfo } from '../../src/procfs/meminfo.ts';
import { parseNodeNumastat } from '../../src/procfs/node-numastat.ts';
import { parseNumaMaps } from '../../src/procfs/numa-maps.ts';
import { fixed2, parseNumastatTables, renderNumastatTables } from '../../src/procfs/numastat-table.ts';
import { numastatMeminfo, numastatNodes, numastatProcesses } from '../../src/procfs/numastat-tool.ts';

const nids = [0, 1, 2, 3];
const worker = { pid: 210, comm: 'worker', vmas: parseNumaMaps(fixture('numa_maps')) };

describe('numastat -p', () => {
  it('prints from numa_maps what the real tool printed', () => {
    expect(renderNumastatTables([numastatProcesses([worker], nids)!])).toBe(fixture('numastat-p'));
  });

  it('files huge pages by their own size', () => {
    const vmas = parseNumaMaps(fixture('numa_maps-hugetlb'));
    const [huge] = numastatProcesses([{ ...worker, vmas }], nids)!.rows;
    expect(huge).toEqual({ label: 'Huge', values: [32, 0, 0, 0, 32] });
  });

  it('prints a row per process for several, by pid, and their sum', () => {
    const other = { pid: 51, comm: 'a-very-long-command-name', vmas: worker.vmas };
    expect(renderNumastatTables([numastatProcesses([worker, other], nids)!])).toBe(
      [
        '',
        'Per-node process memory usage (in MBs)',
        'PID                               Node 0          Node 1          Node 2          Node 3           Total',
        '-----------------------  --------------- --------------- --------------- --------------- ---------------',
        '51 (a-very-long-command-            0.51            0.04           64.00           64.04          128.59',
        '210 (worker)                        0.51            0.04           64.00           64.04          128.59',
        '-----------------------  --------------- --------------- --------------- --------------- ---------------',
        'Total                               1.02            0.07          128.00          128.09          257.18',
        '',
      ].join('\n'),
    );
  });

  it('prints no table without a process', () => {
    expect(numastatProcesses([], nids)).toBeNull();
  });
});

describe('numastat -m', () => {
  const node = parseNodeMeminfo(fixture('node2-meminfo'));
  const real = parseNumastatTables(fixture('numastat-mp'))[1]!;

  it('of 2.0.16 drops the rows it does not know and says so', () => {
    const table = numastatMeminfo([node], 2048, '2.0.16');
    expect(table.rows.map((row) => row.label)).toEqual(real.rows.map((row) => row.label));
    expect(table.unknownTokens).toEqual(real.unknownTokens.slice(0, 5));
  });

  it('of 2.0.19 has every row of the file', () => {
    const table = numastatMeminfo([node], 2048, '2.0.19');
    expect(table.rows.map((row) => row.label)).toEqual([...node.values.keys()]);
    expect(table.unknownTokens).toEqual([]);
  });
});

describe('numastat -n', () => {
  it('prints events in MB as the real tool did', () => {
    const nodes = nids.map((nid) => ({ nid, events: parseNodeNumastat(fixture(`node${nid}-numastat`)) }));
    const text = renderNumastatTables([numastatNodes(nodes)]).split('\n');
    const expected = fixture('numastat-n').split('\n');
    // The other rows go on counting between the two reads.
    for (const label of ['Numa_Miss', 'Numa_Foreign']) {
      expect(text.find((line) => line.startsWith(label))).toBe(
        expected.find((line) => line.startsWith(label)),
      );
    }
    expect(text.slice(0, 4)).toEqual(expected.slice(0, 4));
  });
});

it('rounds exact halves to the even digit, as C does', () => {
  expect([0.125, 0.375, 0.625, 128.005, 2.5, 0].map(fixed2)).toEqual([
    '0.12',
    '0.38',
    '0.62',
    '128.00',
    '2.50',
    '0.00',
  ]);
});
