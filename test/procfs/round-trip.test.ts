import { describe, expect, it } from 'vitest';
import { fixture } from './fixture.ts';
import { parseBuddyinfo, renderBuddyinfo } from '../../src/procfs/buddyinfo.ts';
import { parseFdinfo, renderFdinfo } from '../../src/procfs/fdinfo.ts';
import { parseMaps, renderMaps } from '../../src/procfs/maps.ts';
import {
  parseMeminfo,
  parseNodeMeminfo,
  renderMeminfo,
  renderNodeMeminfo,
} from '../../src/procfs/meminfo.ts';
import {
  parseMemoryEvents,
  parseMemoryNumaStat,
  parseMemoryStat,
  renderMemoryEvents,
  renderMemoryNumaStat,
  renderMemoryStat,
} from '../../src/procfs/memory-stat.ts';
import { parseNodeNumastat, renderNodeNumastat } from '../../src/procfs/node-numastat.ts';
import { parseNumaMaps, renderNumaMaps } from '../../src/procfs/numa-maps.ts';
import { parseNumastatTables, renderNumastatTables } from '../../src/procfs/numastat-table.ts';
import { parseProcStat, renderProcStat } from '../../src/procfs/proc-stat.ts';
import { ProcTextError } from '../../src/procfs/proc-text.ts';
import { parseSmaps, parseSmapsRollup, renderSmaps, renderSmapsRollup } from '../../src/procfs/smaps.ts';
import { parseStatm, renderStatm } from '../../src/procfs/statm.ts';
import { parseStatus, renderStatus } from '../../src/procfs/status.ts';
import { parseVmstat, renderVmstat } from '../../src/procfs/vmstat.ts';
import { parseZoneinfo, renderZoneinfo } from '../../src/procfs/zoneinfo.ts';

/** Each format: its real files, and reading followed by printing. */
const FORMATS: [string, string[], (text: string) => string][] = [
  [
    'numa_maps',
    ['numa_maps', 'numa_maps-hugetlb', 'numa_maps-7.3'],
    (text) => renderNumaMaps(parseNumaMaps(text)),
  ],
  ['smaps', ['smaps'], (text) => renderSmaps(parseSmaps(text))],
  ['smaps_rollup', ['smaps_rollup'], (text) => renderSmapsRollup(parseSmapsRollup(text))],
  ['maps', ['maps'], (text) => renderMaps(parseMaps(text))],
  ['status', ['status'], (text) => renderStatus(parseStatus(text))],
  ['statm', ['statm'], (text) => renderStatm(parseStatm(text))],
  ['stat', ['stat'], (text) => renderProcStat(parseProcStat(text))],
  ['fdinfo', ['fdinfo'], (text) => renderFdinfo(parseFdinfo(text))],
  ['meminfo', ['meminfo-6.12', 'meminfo-7.3'], (text) => renderMeminfo(parseMeminfo(text))],
  ['node meminfo', ['node2-meminfo'], (text) => renderNodeMeminfo(parseNodeMeminfo(text))],
  ['vmstat', ['node2-vmstat'], (text) => renderVmstat(parseVmstat(text))],
  ['numastat file', ['node2-numastat'], (text) => renderNodeNumastat(parseNodeNumastat(text))],
  ['buddyinfo', ['buddyinfo'], (text) => renderBuddyinfo(parseBuddyinfo(text))],
  ['zoneinfo', ['zoneinfo-7.3-node0'], (text) => renderZoneinfo(parseZoneinfo(text))],
  ['memory.stat', ['memory.stat'], (text) => renderMemoryStat(parseMemoryStat(text))],
  ['memory.numa_stat', ['memory.numa_stat'], (text) => renderMemoryNumaStat(parseMemoryNumaStat(text))],
  ['memory.events', ['memory.events-7.3'], (text) => renderMemoryEvents(parseMemoryEvents(text))],
  [
    'numastat tool',
    ['numastat-n', 'numastat-p', 'numastat-mp'],
    (text) => renderNumastatTables(parseNumastatTables(text)),
  ],
];

describe.each(FORMATS)('%s', (_, files, roundTrip) => {
  it.each(files)('prints %s again byte for byte', (file) => {
    expect(roundTrip(fixture(file))).toBe(fixture(file));
  });

  it('quotes the line it cannot read', () => {
    const lines = fixture(files[0]!).split('\n');
    const at = lines.length - 2;
    lines[at] = '?? broken';
    let caught: unknown;
    try {
      roundTrip(lines.join('\n'));
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ProcTextError);
    expect(String(caught)).toContain('"?? broken"');
    expect((caught as ProcTextError).lineNumber).toBe(at + 1);
  });

  it('refuses a file that was cut in the middle of a line', () => {
    expect(() => roundTrip(fixture(files[0]!).slice(0, -1))).toThrow(ProcTextError);
  });
});

it('refuses a name that is there twice', () => {
  expect(() => parseMeminfo('MemFree:        1 kB\nMemFree:        2 kB\n')).toThrow(
    /line 2: "MemFree" is there twice/,
  );
});

it('reads kernel addresses, which only fit a double because they are page-aligned', () => {
  const text = 'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n';
  expect(renderMaps(parseMaps(text))).toBe(text);
  expect(() => parseMaps(text.replace('601000', '601001'))).toThrow(/page address/);
});
