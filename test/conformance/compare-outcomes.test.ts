import { describe, expect, it } from 'vitest';
import { askedOfMemory } from '../../src/conformance/asked-of-memory.ts';
import { captureMachine } from '../../src/conformance/capture-machine.ts';
import { compareOfflining, compareOutcomes } from '../../src/conformance/compare-outcomes.ts';
import { leftoversAfter, NO_LEFTOVERS, type Leftovers } from '../../src/conformance/leftovers.ts';
import { Tally } from '../../src/conformance/tally.ts';
import { loadSteps } from '../../src/scenario/load-steps.ts';
import type { Step } from '../../src/scenario/types.ts';
import type { StepResult } from '../../src/result/types.ts';
import { captureOf } from './captures.ts';

const POOL = '/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages';

function stepsOf(text: string): Step[] {
  const loaded = loadSteps({
    file: 'x.steps',
    text,
    machine: captureMachine(captureOf('6.12', 'S03')),
    kernel: '6.12',
  });
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  return loaded.scenario.steps;
}

/** Files of a snapshot: free blocks of orders 0 to 10 on node 1, its pool, and pages moved since boot. */
function files(orders: readonly number[], pool: number, moved: number): Map<string, string> {
  const line = (nid: number, counts: readonly number[]): string =>
    `Node ${nid}, zone   Normal ${counts.map((count) => `${String(count).padStart(6)} `).join('')}\n`;
  const meminfo = (nid: number, pages: number): string =>
    `Node ${nid} HugePages_Total: ${String(pages).padStart(5)}\n`;
  return new Map([
    ['sys/buddyinfo', line(0, Array<number>(11).fill(1)) + line(1, orders)],
    ['sys/vmstat', `pgmigrate_success ${moved}\n`],
    ['sys/meminfo', `HugePages_Total: ${String(pool).padStart(7)}\n`],
    ['node0/meminfo', meminfo(0, 0)],
    ['node1/meminfo', meminfo(1, pool)],
  ]);
}

const orders = (blocks9: number, blocks10: number): number[] => [
  82_000,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  blocks9,
  blocks10,
];

type Files = ReadonlyMap<string, string>;

function compare(
  script: string,
  kernel: { before: Files; now: Files },
  model: { before: Files; now: Files },
): string[] {
  const tally = new Tally();
  compareOutcomes(tally, { asked: askedOfMemory(stepsOf(script)), kernel, model, first: kernel.before });
  const count = tally.classCounts()[0]?.count;
  return [
    ...(count ? [`${count.compared} compared, ${count.exact} exact, ${count.noise} noise`] : []),
    ...tally.offences.map(({ field, kernel: said, model: says }) => `${field}: ${said} / ${says}`),
  ];
}

describe('compaction', () => {
  const before = files(orders(10, 80), 0, 100);
  const gained = (blocks9: number, moved: number): { before: Files; now: Files } => ({
    before,
    now: files(orders(10 + blocks9, 80), 0, 100 + moved),
  });

  it('may gain a quarter and 16 blocks less than the kernel did, not further', () => {
    expect(compare('compact', gained(100, 30_000), gained(100, 30_000))).toEqual([
      '3 compared, 3 exact, 0 noise',
    ]);
    expect(compare('compact', gained(100, 30_000), gained(59, 22_000))).toEqual([
      '3 compared, 1 exact, 2 noise',
    ]);
    expect(compare('compact', gained(100, 30_000), gained(58, 21_900))).toEqual([
      '3 compared, 1 exact, 0 noise',
      '2 MiB blocks gained on node 1: 2 MiB blocks gained on node 1: 100 / 2 MiB blocks gained on node 1: 58',
      'pages moved: pages moved: 30000 / pages moved: 21900',
    ]);
  });

  it('may gain more than a kernel that began to move pages and stopped', () => {
    expect(compare('compact', gained(0, 6949), gained(100, 35_000))).toEqual([
      '3 compared, 1 exact, 2 noise',
    ]);
  });

  it('must gain nothing where the kernel could move nothing', () => {
    expect(compare('compact', gained(0, 162), gained(160, 41_000))).toEqual([
      '3 compared, 1 exact, 0 noise',
      '2 MiB blocks gained on node 1: 2 MiB blocks gained on node 1: 0 / 2 MiB blocks gained on node 1: 160',
      'pages moved: pages moved: 162 / pages moved: 41000',
    ]);
  });

  it('counts a block of 4 MiB as two', () => {
    const now = files(orders(12, 84), 0, 100);
    expect(compare('compact', gained(10, 0), { before, now })).toEqual(['3 compared, 3 exact, 0 noise']);
  });

  it('is off where only the model has no answer, and left out where the capture has none', () => {
    const nothing = new Map([...before].filter(([path]) => path !== 'sys/buddyinfo'));
    const silent = { before: nothing, now: nothing };
    expect(compare('compact', gained(100, 0), silent).slice(1)).toEqual([
      '2 MiB blocks gained on node 0: 2 MiB blocks gained on node 0: 0 / null',
      '2 MiB blocks gained on node 1: 2 MiB blocks gained on node 1: 100 / null',
    ]);
    expect(compare('compact', silent, gained(100, 0))).toEqual(['1 compared, 1 exact, 0 noise']);
  });

  it('is asked for by files, too, and by nothing else', () => {
    expect(askedOfMemory(stepsOf('write /proc/sys/vm/compact_memory 1')).compacts).toBe(true);
    expect(askedOfMemory(stepsOf('write /sys/devices/system/node/node1/compact 1')).compacts).toBe(true);
    expect(askedOfMemory(stepsOf('dropcaches 3\nwrite /proc/sys/vm/swappiness 0'))).toEqual({
      compacts: false,
      offlines: false,
      pools: [],
    });
    expect(compare('dropcaches 3', gained(100, 0), gained(0, 0))).toEqual([]);
  });
});

describe('a pool of huge pages', () => {
  const script = `write ${POOL} 300`;
  const asked = askedOfMemory(stepsOf(script));
  const before = files(orders(200, 0), 0, 0);
  const after = (pool: number): { before: Files; now: Files } => ({
    before,
    now: files(orders(0, 0), pool, 0),
  });
  const left = (kernel: number, model: number, past = NO_LEFTOVERS): Leftovers =>
    leftoversAfter(past, asked, {
      before,
      kernel: after(kernel).now,
      model: after(model).now,
      blockPages: 32_768,
    });

  it('is exact where the kernel got all that was asked for', () => {
    expect(asked.pools).toEqual([{ nid: 1, pages: 300 }]);
    expect(left(300, 299)).toEqual(NO_LEFTOVERS);
    expect(compare(script, after(300), after(299)).slice(1)).toEqual([
      'huge pages obtained on node 1: huge pages obtained on node 1: 300 / huge pages obtained on node 1: 299',
    ]);
  });

  it('may differ by 16 and an eighth where it fell short', () => {
    for (const by of [-37, 37]) {
      expect(compare(script, after(173), after(173 + by))).toEqual(['3 compared, 2 exact, 1 noise']);
    }
    for (const by of [-38, 38]) expect(compare(script, after(173), after(173 + by))).toHaveLength(2);
  });

  it('leaves other fields as far apart as the pools are, until the end', () => {
    expect(left(173, 180).poolPages).toBe(7);
    expect(left(300, 300, left(173, 180)).poolPages).toBe(7);
  });

  it('knows the file of all nodes', () => {
    for (const path of [
      '/proc/sys/vm/nr_hugepages',
      '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages',
    ]) {
      expect(askedOfMemory(stepsOf(`write ${path} 128`)).pools).toEqual([{ nid: null, pages: 128 }]);
    }
  });
});

describe('offlining', () => {
  const steps = stepsOf('offline_node 1 4000\noffline 9\nonline 9');
  const recorded = (
    message: string,
    errno: string,
  ): { n: number; who: string; step: string; ret: number; errno: string; msg: string }[] => [
    { n: 1, who: 'ctl', step: 'offline_node 1 4000', ret: 0, errno: '', msg: message },
    { n: 2, who: 'ctl', step: 'offline 9', ret: errno === '' ? 0 : -1, errno, msg: '' },
    { n: 3, who: 'ctl', step: 'online 9', ret: 0, errno: '', msg: '' },
  ];
  const results = (message: string, errno: '' | 'EBUSY'): StepResult[] =>
    recorded(message, errno).map(({ n, who, step, ret, msg }) => ({
      n,
      line: n,
      who,
      text: step,
      ret,
      errno: n === 2 ? errno : '',
      message: msg,
      expected: true,
    }));
  const off = (kernel: string, model: string): string[] => {
    const tally = new Tally();
    compareOfflining(tally, steps, recorded(kernel, 'EBUSY'), results(model, ''));
    expect(tally.classCounts()[0]!.count.compared).toBe(2);
    return tally.offences.map(({ step, kernel: said, model: says }) => `step ${step}: ${said} / ${says}`);
  };

  it('lets two blocks stay that the model takes away, not three', () => {
    expect(
      off('8:ok 9:EBUSY | ok=6 EBUSY=2 timeout=0 other=0', '8:ok 9:ok | ok=8 EBUSY=0 timeout=0 other=0'),
    ).toEqual([]);
    expect(off('8:ok | ok=5 EBUSY=2 timeout=1 other=0', '8:ok | ok=8 EBUSY=0 timeout=0 other=0')).toEqual([
      'step 1: blocks offline: 5 / blocks offline: 8',
    ]);
  });

  it('leaves nodes apart by two blocks and a quarter of what moved', () => {
    const at = (moved: number): Files => files(orders(0, 0), 0, moved);
    const input = { before: at(1000), kernel: at(33_000), model: at(0), blockPages: 32_768 };
    expect(leftoversAfter(NO_LEFTOVERS, askedOfMemory(steps), input).offlinePages).toBe(
      2 * 32_768 + 512 + 8000,
    );
  });
});
