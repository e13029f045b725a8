import { describe, expect, it } from 'vitest';
import { play, SMALL, TALK } from './play.ts';

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

/** Pages of the memory, in units. */
const GMEM = [40, 40, 40, 32, 32, 32];

describe.each([
  ['M', 256, SMALL],
  ['G', 262_144, TALK],
] as const)('a guest of 40 %s', (unit, pagesPerUnit, machine) => {
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

describe('the last close', () => {
  it.each(['page-cache', 'shadow-vma', 'tdp-fault', 'alloc-charge', 'tracker'])(
    'leaves nothing on the books of anybody, under %s',
    (strategy) => {
      const played = play(strategy, `${script('M')}helper: gmem close priv\nsnapshot closed\n`);
      expect([played.pagesOf('closed', 'priv'), played.counter('closed', 'nr_file_pages')]).toEqual([0, 0]);
      expect(played.run.ledger.filter(({ pages }) => pages !== 0)).toEqual([]);
    },
  );
});
