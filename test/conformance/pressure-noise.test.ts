import { describe, expect, it } from 'vitest';
import { PRESSURE_NOISE, pressureOf, type Pressure } from '../../src/conformance/pressure-noise.ts';
import type { SnapshotFiles } from '../../src/conformance/capture.ts';
import type { NoiseContext } from '../../src/conformance/noise.ts';

const snapshot = (events: Readonly<Record<string, number>>, swapCachedKb = 0): SnapshotFiles =>
  new Map([
    [
      'sys/vmstat',
      Object.entries(events)
        .map(([name, count]) => `${name} ${count}\n`)
        .join(''),
    ],
    ['sys/meminfo', `SwapCached:     ${String(swapCachedKb).padStart(8)} kB\n`],
  ]);

const bound = (id: string, pressure: Pressure, cpus = 4): number =>
  PRESSURE_NOISE.find((noise) => noise.id === id)!.pages({
    pressure,
    cpus,
    otherKernelPages: 0,
  } as NoiseContext);

describe('noise of a machine that runs short', () => {
  const quiet = snapshot({ pgsteal_anon: 0, pgsteal_file: 0, pgsteal_kswapd: 0, oom_kill: 1 });

  it('excuses nothing before anything has happened', () => {
    const calm = pressureOf(quiet, quiet, quiet, quiet, false);
    for (const { id } of PRESSURE_NOISE) expect([id, bound(id, calm)]).toEqual([id, 0]);
  });

  it('grows with what reclaim has freed and what waits in the swap cache', () => {
    const freed = { pgsteal_anon: 1600, pgsteal_file: 0, pgsteal_kswapd: 300, pswpout: 1600 };
    const now = snapshot({ ...freed, thp_swpout_fallback: 2, oom_kill: 1 }, 400);
    const pressure = pressureOf(quiet, quiet, quiet, now, false);
    expect(bound('reclaim-overshoot', pressure)).toBe(256 + 100 + 100);
    expect(bound('swap-slot-lists', pressure, 2)).toBe(128);
    expect(bound('huge-write-back', pressure)).toBe(1024);
    expect(bound('huge-entries', pressure)).toBe(2);
    // What was in flight two snapshots ago may have come either way since.
    const after = snapshot({ pgsteal_anon: 1600, pgsteal_file: 0, pgsteal_kswapd: 300, oom_kill: 1 });
    expect(bound('reclaim-overshoot', pressureOf(quiet, now, after, after, false))).toBe(256 + 100 + 100);
    expect(bound('reclaim-overshoot', pressureOf(quiet, after, after, after, false))).toBe(256 + 100);
    expect(bound('kswapd-nodes', pressure)).toBe(300);
    expect(bound('limit-hits', pressure)).toBe(0);
  });

  it('counts attempts for every kill since the snapshot before, and calls only where a limit was set', () => {
    const now = snapshot({ pgsteal_anon: 0, pgsteal_file: 0, pgsteal_kswapd: 0, oom_kill: 3 });
    expect(bound('limit-hits', pressureOf(quiet, quiet, quiet, now, false))).toBe(44);
    expect(bound('waiting-for-victims', pressureOf(quiet, quiet, quiet, now, false))).toBe(0);
    expect(bound('waiting-for-victims', pressureOf(quiet, quiet, quiet, now, true))).toBeGreaterThan(2000);
    expect(bound('waiting-for-victims', pressureOf(quiet, quiet, now, now, true))).toBe(0);
  });
});
