import { describe, expect, it } from 'vitest';
import { play, type Played, SMALL, TALK } from './play.ts';

/** A guest of 40 units, prefetched, booted, partly converted; its slot goes, and at last its VMM while a helper holds the file. */
const script = (unit: 'M' | 'G'): string => `
cgroup create /vm
cgroup move w0 /vm
vm create snp
memfd create ram 40${unit}
memfd map ram shared
gmem create priv 40${unit}
vm slot 0 0 40${unit} ram 0 priv 0
vm attr 0 40${unit} private
fork helper
cgroup create /helper
cgroup move helper /helper
helper: memfd unmap ram
helper: memfd close ram
snapshot base
gmem fallocate priv 0 40${unit}
snapshot T1
vm touch 0 40${unit}
snapshot T2
vm attr 0 8${unit} shared
snapshot T3
gmem punch priv 0 8${unit}
vm touch 0 8${unit}
snapshot T4
vm unslot 0
snapshot T5
kill w0
snapshot T6
`;

const MOMENTS = ['T1', 'T2', 'T3', 'T4', 'T5', 'T6'];

/** Pages of the process and of the memory, in units, as each strategy reports them. */
const GMEM = [40, 40, 40, 32, 32, 32];
const SHARED = [0, 0, 0, 8, 8, 0];
const RSS: Readonly<Record<string, (number | null)[]>> = {
  'page-cache': [0, 0, 0, 8, 8, null],
  'shadow-vma': [40, 40, 40, 40, 40, null],
  'shadow-vma{per=range}': [40, 40, 32, 40, 40, null],
  'shadow-vma{ptes=tdp}': [0, 40, 32, 40, 8, null],
  'shadow-vma{ptes=never}': [0, 0, 0, 8, 8, null],
  'tdp-fault': [0, 40, 32, 40, 8, null],
  'alloc-charge': [40, 40, 40, 40, 40, null],
  tracker: [0, 0, 0, 8, 8, null],
  fbind: [0, 0, 0, 8, 8, null],
  'mempolicy-dup': [0, 0, 0, 8, 8, null],
  upstream: [0, 0, 0, 8, 8, null],
};

describe.each([
  ['M', 256, SMALL],
  ['G', 262_144, TALK],
] as const)('a guest of 40 %s', (unit, pagesPerUnit, machine) => {
  const units = (pages: number | null): number | null => (pages === null ? null : pages / pagesPerUnit);

  it.each(Object.keys(RSS))('is seen over time under %s', (strategy) => {
    const played = play(strategy, script(unit), { machine });
    expect(MOMENTS.map((at) => units(played.pagesOf(at, 'priv')))).toEqual(GMEM);
    expect(MOMENTS.map((at) => units(played.pagesOf(at, 'ram')))).toEqual(SHARED);
    const grown = MOMENTS.map((at) => {
      const rss = played.rss(at);
      return units(rss === null ? null : rss - played.rss('base')!);
    });
    expect(grown).toEqual(RSS[strategy]);
    // Nothing of it is the helper's.
    expect(MOMENTS.map((at) => played.rss(at, 'helper'))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(played.findings.filter((id) => id !== 'rss-exceeds-vm-size')).toEqual([]);
    expect(played.run.error).toBeNull();
  });

  it.each(['page-cache', 'shadow-vma', 'tdp-fault', 'alloc-charge', 'tracker'])(
    'stays charged to the group of its VMM after that died, under %s',
    (strategy) => {
      const played = play(strategy, script(unit), { machine });
      const file = (at: string, path: string): number =>
        played.cgroup(at, path).stat['file']! / (4096 * pagesPerUnit);
      expect(MOMENTS.map((at) => file(at, '/vm'))).toEqual([40, 40, 40, 40, 40, 32]);
      expect(MOMENTS.map((at) => file(at, '/helper'))).toEqual([0, 0, 0, 0, 0, 0]);
      const unevictable = MOMENTS.map(
        (at) => played.cgroup(at, '/vm').stat['unevictable']! / (4096 * pagesPerUnit),
      );
      expect(unevictable).toEqual(GMEM);
    },
  );

  it('is in the tracker for the VMM, then for whoever holds the file', () => {
    const played = play('tracker{status=true,show=both}', script(unit), { machine });
    const line = (at: string, worker: string): number | null => {
      const process = played.process(at, worker);
      return process ? process.extraStatus[0]!.kb / 4 / pagesPerUnit : null;
    };
    expect(MOMENTS.map((at) => line(at, 'w0'))).toEqual([40, 40, 40, 32, 32, null]);
    expect(MOMENTS.map((at) => line(at, 'helper'))).toEqual([0, 0, 0, 0, 0, 32]);
    const fdinfo = (at: string, worker: string, key: string): string | undefined =>
      played
        .process(at, worker)!
        .fds.flatMap(({ extra }) => extra)
        .find((each) => each.key === key)?.value;
    const kb = (n: number): string => `${n * pagesPerUnit * 4} kB`;
    expect(fdinfo('T5', 'w0', 'gmem_size')).toBe(kb(40));
    expect(MOMENTS.map((at) => fdinfo(at, 'helper', 'gmem_pages'))).toEqual(GMEM.map(kb));
    expect(MOMENTS.map((at) => fdinfo(at, 'helper', 'gmem_mapped'))).toEqual([0, 40, 32, 32, 0, 0].map(kb));
    expect(fdinfo('T5', 'helper', 'gmem_node0')).toBe(kb(32));
    expect(played.process('T6', 'helper')!.extraFiles['gmem']).toContain(`gmem_pages: ${kb(32)}`);
    expect(played.process('T5', 'helper')!.extraFiles['gmem']).toBe('');
  });
});

describe('the log of counters that were not undone', () => {
  const bad = (played: Played): string[] => played.findings.filter((id) => id === 'rss-balanced-at-exit');

  it('has an entry for designs that never take pages back', () => {
    expect(bad(play('tdp-fault{uncharge=false}', script('M')))).toHaveLength(1);
    expect(bad(play('alloc-charge{uncharge=false}', script('M')))).toHaveLength(1);
  });

  it('has none for the others', () => {
    expect(bad(play('tdp-fault', script('M')))).toEqual([]);
    expect(bad(play('alloc-charge', script('M')))).toEqual([]);
  });
});

describe('the last close', () => {
  it.each(Object.keys(RSS))('frees what the helper kept, under %s', (strategy) => {
    const played = play(strategy, `${script('M')}helper: gmem close priv\nsnapshot closed\n`);
    expect([played.pagesOf('closed', 'priv'), played.counter('closed', 'nr_file_pages')]).toEqual([0, 0]);
    expect(played.cgroup('closed', '/vm').stat['file']).toBe(0);
    expect(played.run.ledger.filter(({ pages }) => pages !== 0)).toEqual([]);
  });
});
