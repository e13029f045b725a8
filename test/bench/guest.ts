import { loadSteps } from '../../src/scenario/load-steps.ts';
import type { Machine, Scenario } from '../../src/scenario/types.ts';
import { parseStrategy } from '../../src/strategy/parse-strategy.ts';
import type { StrategyPlan } from '../../src/strategy/plan.ts';
import { CATALOGUE } from '../../strategies/index.ts';

/** Four nodes that hold twice the guest. */
function machineFor(guestGib: number): Machine {
  const memoryBytes = Math.ceil(guestGib / 2) * 2 ** 30 * 2;
  return {
    title: `four nodes for a guest of ${guestGib} GiB`,
    nodes: [0, 1, 2, 3].map((nid) => ({
      cpus: [nid],
      memoryBytes,
      movableBytes: 0,
      background: { pageCache: 0, anon: 0, slab: 0 },
    })),
    distances: [0, 1, 2, 3].map((a) => [0, 1, 2, 3].map((b) => (a === b ? 10 : 20))),
    sysctl: {},
    thp: { enabled: 'never', shmem: 'never', defrag: 'madvise' },
  };
}

function slots(guestGib: number, count: number): string[] {
  const size = guestGib / count;
  return Array.from({ length: count }, (_, id) => {
    const start = id * size;
    return `vm slot ${id} ${start}G ${size}G ram ${start}G private ${start}G`;
  });
}

/** An SNP guest with all its memory private, interleaved over two nodes; `touches` is how it is used. */
export function guest(guestGib: number, slotCount: number, touches: string): Scenario {
  const text = [
    'mempolicy interleave 2,3',
    'vm create snp',
    `memfd create ram ${guestGib}G`,
    'memfd map ram shared',
    `gmem create private ${guestGib}G`,
    ...slots(guestGib, slotCount),
    `vm attr 0 ${guestGib}G private`,
    'vm launch-update 0 4M',
    touches,
    '',
  ].join('\n');
  const loaded = loadSteps({ file: 'bench.steps', text, machine: machineFor(guestGib), kernel: '6.12' });
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems));
  return loaded.scenario;
}

/** The eight named strategies. */
export function eightPlans(): StrategyPlan[] {
  return CATALOGUE.presets.map(({ name }) => planOf(name));
}

export function planOf(name: string): StrategyPlan {
  const parsed = parseStrategy(name, CATALOGUE);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.plan;
}
