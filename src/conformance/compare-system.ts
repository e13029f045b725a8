import { parseMeminfo, parseNodeMeminfo } from '../procfs/meminfo.ts';
import { parseNodeNumastat } from '../procfs/node-numastat.ts';
import { parseSmaps } from '../procfs/smaps.ts';
import { parseZoneinfo } from '../procfs/zoneinfo.ts';
import { nodesIn, workersIn, type SnapshotFiles } from './capture.ts';
import { compareCounters, type Change } from './compare-counters.ts';
import { isMappedByStep, type WorkerMappings } from './mapped-ranges.ts';
import type { NoiseContext } from './noise.ts';
import { ownCommittedKb } from './own-memory.ts';
import type { Tally } from './tally.ts';

/** One side's files at a snapshot and at the one before, with what steps had mapped at each. */
export interface SideMoments {
  now: Moment;
  before: Moment;
}

export interface Moment {
  files: SnapshotFiles;
  mappings: ReadonlyMap<string, WorkerMappings>;
}

/** Compares how the system's and the nodes' texts moved since the snapshot before. */
export function compareSystem(
  tally: Tally,
  kernel: SideMoments,
  model: SideMoments,
  context: NoiseContext,
  goTo: (where: string) => void,
): void {
  goTo('sys/meminfo');
  compareCounters(tally, {
    fieldClass: 'meminfo',
    unit: ' kB',
    kernel: changeOf(kernel, systemMeminfo),
    model: changeOf(model, systemMeminfo),
    context,
  });
  for (const nid of nodesIn(kernel.now.files)) {
    const here = { ...context, nid };
    goTo(`node${nid}/meminfo`);
    compareCounters(tally, {
      fieldClass: 'node meminfo',
      unit: ' kB',
      kernel: changeOf(kernel, (moment) => nodeMeminfo(moment, nid)),
      model: changeOf(model, (moment) => nodeMeminfo(moment, nid)),
      context: here,
    });
    goTo(`node${nid}/numastat`);
    compareCounters(tally, {
      fieldClass: 'node numastat',
      unit: '',
      kernel: changeOf(kernel, ({ files }) => nodeNumastat(files, nid)),
      model: changeOf(model, ({ files }) => nodeNumastat(files, nid)),
      context: here,
    });
  }
}

type Numbers = ReadonlyMap<string, number> | null;

const changeOf = ({ now, before }: SideMoments, read: (moment: Moment) => Numbers): Change => ({
  now: read(now),
  before: read(before),
});

const PAGE_KB = 4;

/** /proc/meminfo with the pages on CPU lists counted as free, and without what own mappings commit. */
function systemMeminfo({ files, mappings }: Moment): Numbers {
  const text = files.get('sys/meminfo');
  if (text === undefined) return null;
  const values = parseMeminfo(text);
  const listed = [...listedPages(files).values()].reduce((sum, pages) => sum + pages, 0);
  add(values, 'MemFree', listed * PAGE_KB);
  add(values, 'MemAvailable', listed * PAGE_KB);
  for (const worker of workersIn(files)) {
    const own = parseSmaps(files.get(`proc.${worker}/smaps`) ?? '').filter(
      (vma) => !isMappedByStep(mappings.get(worker), vma),
    );
    add(values, 'Committed_AS', -ownCommittedKb(own));
  }
  return values;
}

function nodeMeminfo({ files }: Moment, nid: number): Numbers {
  const text = files.get(`node${nid}/meminfo`);
  if (text === undefined) return null;
  const { values } = parseNodeMeminfo(text);
  const listed = (listedPages(files).get(nid) ?? 0) * PAGE_KB;
  add(values, 'MemFree', listed);
  add(values, 'MemUsed', -listed);
  return values;
}

function nodeNumastat(files: SnapshotFiles, nid: number): Numbers {
  const text = files.get(`node${nid}/numastat`);
  return text === undefined ? null : new Map(Object.entries(parseNodeNumastat(text)));
}

function add(values: Map<string, number>, name: string, amount: number): void {
  const value = values.get(name);
  if (value !== undefined) values.set(name, value + amount);
}

/** Free pages that wait on the lists of the CPUs, by node; none where the snapshot has no zoneinfo. */
function listedPages(files: SnapshotFiles): Map<number, number> {
  const pages = new Map<number, number>();
  const text = files.get('sys/zoneinfo');
  if (text === undefined) return pages;
  for (const zone of parseZoneinfo(text)) {
    for (const { fields } of zone.populated?.pagesets ?? []) {
      pages.set(zone.nid, (pages.get(zone.nid) ?? 0) + (fields.get('count') ?? 0));
    }
  }
  return pages;
}
