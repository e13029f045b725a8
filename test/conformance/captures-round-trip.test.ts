import { describe, expect, it } from 'vitest';
import { parseBuddyinfo, renderBuddyinfo } from '../../src/procfs/buddyinfo.ts';
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
import { parseNumastatPlain, renderNumastatPlain } from '../../src/procfs/numastat-plain.ts';
import { parseNumastatTables, renderNumastatTables } from '../../src/procfs/numastat-table.ts';
import { parseBytes, parseNumbers, renderBytes, renderNumbers } from '../../src/procfs/single-value.ts';
import { parseSmaps, parseSmapsRollup, renderSmaps, renderSmapsRollup } from '../../src/procfs/smaps.ts';
import { parseStatm, renderStatm } from '../../src/procfs/statm.ts';
import { parseStatus, renderStatus } from '../../src/procfs/status.ts';
import { parseVmstat, renderVmstat } from '../../src/procfs/vmstat.ts';
import { parseZoneinfo, renderZoneinfo } from '../../src/procfs/zoneinfo.ts';
import { CAPTURES } from './captures.ts';

/** By file name: reading followed by printing. */
const ROUND_TRIPS: readonly (readonly [RegExp, (text: string) => string])[] = [
  [/^proc\..*\/numa_maps$/, (text) => renderNumaMaps(parseNumaMaps(text))],
  [/^proc\..*\/smaps$/, (text) => renderSmaps(parseSmaps(text))],
  [/^proc\..*\/smaps_rollup$/, (text) => renderSmapsRollup(parseSmapsRollup(text))],
  [/^proc\..*\/maps$/, (text) => renderMaps(parseMaps(text))],
  [/^proc\..*\/status$/, (text) => renderStatus(parseStatus(text))],
  [/^proc\..*\/statm$/, (text) => renderStatm(parseStatm(text))],
  [/^proc\..*\/oom_score$/, (text) => renderNumbers(parseNumbers('oom_score', text))],
  [/^node\d+\/meminfo$/, (text) => renderNodeMeminfo(parseNodeMeminfo(text))],
  [/^node\d+\/numastat$/, (text) => renderNodeNumastat(parseNodeNumastat(text))],
  [/^sys\/meminfo$/, (text) => renderMeminfo(parseMeminfo(text))],
  [/^sys\/zoneinfo$/, (text) => renderZoneinfo(parseZoneinfo(text))],
  [/^sys\/buddyinfo$/, (text) => renderBuddyinfo(parseBuddyinfo(text))],
  [/^sys\/vmstat$/, (text) => renderVmstat(parseVmstat(text))],
  [/\/memory\.stat$/, (text) => renderMemoryStat(parseMemoryStat(text))],
  [/\/memory\.numa_stat$/, (text) => renderMemoryNumaStat(parseMemoryNumaStat(text))],
  [/\/memory\.events$/, (text) => renderMemoryEvents(parseMemoryEvents(text))],
  [/\/memory\.(current|peak|swap\.current)$/, (text) => renderBytes(parseBytes('memory.current', text))],
  [/\/cgroup\.procs$/, (text) => renderNumbers(parseNumbers('cgroup.procs', text))],
  [/^numastat\/plain$/, (text) => renderNumastatPlain(parseNumastatPlain(text))],
  [/^numastat\//, (text) => renderNumastatTables(parseNumastatTables(text))],
];

describe.each(CAPTURES)('%s', (_, capture) => {
  it('prints every file again byte for byte', () => {
    for (const { label, files } of capture.snapshots) {
      for (const [path, text] of files) {
        const roundTrip = ROUND_TRIPS.find(([pattern]) => pattern.test(path))?.[1];
        expect(roundTrip, `${path} has a reader`).toBeDefined();
        expect(roundTrip!(text), `${label} ${path}`).toBe(text);
      }
    }
  });
});
