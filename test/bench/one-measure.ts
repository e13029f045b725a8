/** One measurement in a process of its own, so that no other's garbage counts: prints milliseconds and peak MB as JSON. */
import { runScenario } from '../../src/simulation/run-scenario.ts';
import { eightPlans, guest, planOf } from './guest.ts';

const [what = '', argument = ''] = process.argv.slice(2);
const RANDOM_FAULTS = 10_000_000;

const MEASURES: Readonly<Record<string, () => { ms: number; faults?: number }>> = {
  /** A guest of so many GiB that touches everything in order, under all eight strategies; the middle of five runs. */
  'in-order': () => {
    const gib = Number(argument);
    const scenario = guest(gib, `snapshot launched\nvm touch 4M ${gib * 1024 - 4}M\nsnapshot booted`);
    const plans = eightPlans();
    const times = Array.from({ length: 5 }, () =>
      timed(() => runScenario({ scenario, plans, version: 'bench' })),
    );
    return { ms: times.sort((a, b) => a - b)[2]! };
  },
  /** 4 KiB faults in random order over 40 GiB, under one strategy. */
  'random-faults': () => {
    const scenario = guest(40, `vm touch 4M ${40 * 1024 - 4}M random=${RANDOM_FAULTS} seed=7`);
    const plans = [planOf(argument)];
    return {
      ms: timed(() => runScenario({ scenario, plans, version: 'bench' })),
      faults: RANDOM_FAULTS,
    };
  },
};

function timed(run: () => unknown): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

const measure = MEASURES[what];
if (!measure) throw new Error(`no measure "${what}": ${Object.keys(MEASURES).join(', ')}`);
console.log(JSON.stringify({ ...measure(), peakMb: Math.round(process.resourceUsage().maxRSS / 1024) }));
