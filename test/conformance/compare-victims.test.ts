import { describe, expect, it } from 'vitest';
import type { Capture, CaptureSnapshot, SnapshotFiles } from '../../src/conformance/capture.ts';
import { compareVictims } from '../../src/conformance/compare-victims.ts';
import { Tally } from '../../src/conformance/tally.ts';
import { captureOf } from './captures.ts';

const PIDS: Readonly<Record<string, number>> = { w0: 100, w1: 101, w2: 102 };

/** A snapshot in which the named workers have memory; all others are zombies. */
function alive(...names: string[]): Map<string, string> {
  return new Map(
    Object.entries(PIDS).map(([name, pid]) => [
      `proc.${name}/status`,
      `Name:\tworker\nPid:\t${pid}\n${names.includes(name) ? 'VmSize:\t       4 kB\n' : ''}`,
    ]),
  );
}

const killed = (...names: string[]): string =>
  names
    .map((name) => `[   95.7] Out of memory: Killed process ${PIDS[name]} (worker) total-vm:1kB\n`)
    .join('');

/** Snapshots at steps 1, 2, …; what both sides say at each, and what the kernel's log says. */
function victims(
  kernel: readonly SnapshotFiles[],
  model: readonly SnapshotFiles[],
  log = '',
  steps: Parameters<typeof compareVictims>[2] = STEPS,
): { until: number; off: string[]; excused: string[] } {
  const snapshots = kernel.map((files, at): CaptureSnapshot => ({ label: `${at}`, step: at + 1, files }));
  const capture: Capture = { ...captureOf('6.12', 'S03'), log, snapshots };
  const tally = new Tally();
  const until = compareVictims(
    tally,
    { ...capture, steps: capture.steps.slice(0, 5) },
    steps,
    ({ step }) => model[step - 1]!,
  );
  return {
    until,
    off: tally.offences.map(
      ({ snapshot, field, kernel: said, model: says }) => `${snapshot} ${field}: ${said} / ${says}`,
    ),
    excused: [...tally.excuses.keys()],
  };
}

const STEPS = Array.from({ length: 5 }, (_, at) => ({
  line: at + 1,
  column: 1,
  who: null,
  text: 'noop',
  verb: 'noop' as const,
  args: {},
  expect: null,
})) as unknown as Parameters<typeof compareVictims>[2];

describe('who was killed first', () => {
  const all = alive('w0', 'w1', 'w2');

  it('is compared when there is one', () => {
    const gone = alive('w0', 'w2');
    expect(victims([all, gone], [all, gone])).toEqual({ until: 5, off: [], excused: [] });
    expect(victims([all, gone], [all, alive('w0', 'w1')])).toEqual({
      until: 5,
      off: ['1 killed first: killed: w1 / killed: w2'],
      excused: [],
    });
    expect(victims([all, gone], [all, all]).off).toEqual(['1 killed first: killed: w1 / killed: nobody']);
  });

  it('decides where the second victim is a race, and nothing is compared from there on', () => {
    const one = alive('w0', 'w2');
    const two = alive('w2');
    expect(victims([all, all, two], [all, all, one], killed('w1', 'w0'))).toEqual({
      until: 2,
      off: [],
      excused: ['oom-race'],
    });
    expect(victims([all, all, two], [all, all, one], killed('w0', 'w1'))).toEqual({
      until: 5,
      off: ['2 killed first: killed: w0 w1 / killed: w1'],
      excused: [],
    });
  });

  it('is a tie where only the program itself tells the victims apart, also of those that came since', () => {
    const line = (name: string, rss: number, adj = 0): string =>
      `[   95.7] Memory cgroup out of memory: Killed process ${PIDS[name]} (worker) total-vm:1kB, anon-rss:${rss}kB, file-rss:0kB, shmem-rss:624kB, UID:0 pgtables:28kB oom_score_adj:${adj}\n`;
    const first = new Map([...alive('w0')].filter(([file]) => file.includes('w0')));
    const forks = STEPS.map((step, at) =>
      at === 1 ? { ...step, verb: 'fork', args: { worker: 'w1' } } : step,
    ) as unknown as typeof STEPS;
    const judged = (log: string): ReturnType<typeof victims> =>
      victims([first, alive()], [first, alive('w1')], log, forks);
    expect(judged(line('w1', 168) + line('w0', 0))).toEqual({ until: 1, off: [], excused: ['oom-tie'] });
    const off = ['1 killed first: killed: w0 w1 / killed: w0'];
    expect(judged(line('w1', 1168) + line('w0', 0)).off).toEqual(off);
    expect(judged(line('w1', 168) + line('w0', 0, 10)).off).toEqual(off);
  });

  it('is nothing to compare where a step ended the worker, or nobody is gone', () => {
    expect(victims([all, all], [all, all])).toEqual({ until: 5, off: [], excused: [] });
    const ended = STEPS.map((step, at) =>
      at === 1 ? { ...step, verb: 'kill' as const, args: { worker: 'w1', signal: 9 } } : step,
    ) as unknown as typeof STEPS;
    const tally = new Tally();
    const capture = captureOf('6.12', 'S03');
    const snapshots = [all, alive('w0', 'w2')].map((files, at) => ({ label: `${at}`, step: at + 1, files }));
    compareVictims(tally, { ...capture, snapshots }, ended, ({ files }) => files);
    expect(tally.classCounts()).toEqual([]);
  });
});
